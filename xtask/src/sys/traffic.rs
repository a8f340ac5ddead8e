//! Whether a program, with the programs that it started, still reads and writes: files, pipes and sockets. On
//! Linux only, from /proc (proc_pid_io(5)); elsewhere no program is silent.

use std::time::{Duration, Instant};

/// Fewer bytes are no progress: an idle Node.js wakes itself up with 16 bytes every few seconds.
const PROGRESS: u64 = 1 << 10;
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Traffic {
    process: u32,
    limit: Duration,
    asked: Instant,
    /// The bytes at the last progress, and when that was.
    last: (u64, Instant),
}

impl Traffic {
    /// The process may make no progress for `limit`.
    pub(super) fn new(process: u32, limit: Duration) -> Traffic {
        let now = Instant::now();
        Traffic { process, limit, asked: now, last: (0, now) }
    }

    /// Asks the system at most twice a second.
    pub(super) fn is_silent(&mut self) -> bool {
        if self.asked.elapsed() < EVERY {
            return false;
        }
        self.asked = Instant::now();
        let bytes = bytes(self.process);
        // There are fewer if a child has ended.
        if bytes.is_none_or(|bytes| bytes.abs_diff(self.last.0) >= PROGRESS) {
            self.last = (bytes.unwrap_or_default(), self.asked);
        }
        self.last.1.elapsed() > self.limit
    }
}

/// What the process and its descendants have read and written. None if the system does not say.
fn bytes(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let count =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let own = count("rchar:")? + count("wchar:")?;
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let ids: Vec<u32> = children.flat_map(|ids| numbers(&ids)).collect();
    Some(own + ids.into_iter().filter_map(bytes).sum::<u64>())
}

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
