//! Runs a command while all its processes are watched: their arguments and environments, read from `/proc`
//! again and again. Processes of less than some milliseconds may be missed; a program that goes first in PATH
//! records those of git.

use crate::support::Output;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use camino::Utf8Path;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// A process at one moment: its arguments and its environment, each with spaces instead of NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub arguments: String,
    pub environment: String,
}

/// Runs the command. Returns its output and every process that it started.
pub(crate) fn watch(command: &mut Command) -> (Output, BTreeSet<Process>) {
    let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(Stdio::null()).stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let (root, mut seen, mut own) = (child.id(), BTreeSet::new(), BTreeSet::new());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        own.insert(text(root, "cmdline"));
        look(root, &mut seen);
        std::thread::sleep(Duration::from_millis(1));
    };
    // Between fork and exec a child still shows the arguments and the environment of its parent. One that
    // ends while it is read has none.
    seen.retain(|process| !own.contains(&process.arguments) && !process.arguments.trim().is_empty());
    let output =
        Output { code: status.code().unwrap_or(-1), stdout: whole(&mut stdout), stderr: whole(&mut stderr) };
    (output, seen)
}

fn whole(file: &mut std::fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn look(pid: u32, seen: &mut BTreeSet<Process>) {
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            seen.insert(process(child));
            look(child, seen);
        }
    }
}

/// Reads the process again while its arguments change: it starts another program, or npm writes its title
/// into them.
fn process(pid: u32) -> Process {
    loop {
        let arguments = text(pid, "cmdline");
        let environment = text(pid, "environ");
        let after = text(pid, "cmdline");
        if after == arguments || after.is_empty() {
            return Process { arguments, environment };
        }
    }
}

fn text(pid: u32, file: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The value itself, and what of it is in the base64 of any login with it.
pub(crate) fn forms(value: &str) -> Vec<String> {
    let encoded = (0..3).map(|before| {
        let bytes = [&b"xyz"[..before], value.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(&bytes);
        text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_string()
    });
    std::iter::once(value.to_string()).chain(encoded).collect()
}

/// Every file below the folder that was changed since then and contains one of the texts.
pub(crate) fn files_with(dir: &Utf8Path, since: SystemTime, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in dir.read_dir_utf8().into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            found.extend(files_with(path, since, texts));
        } else if metadata.is_file() && metadata.modified().is_ok_and(|time| time >= since) {
            let bytes = std::fs::read(path).unwrap_or_default();
            let inside = |text: &&String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(texts.iter().find(inside).map(|text| format!("{path}: {text}")));
        }
    }
    found
}
