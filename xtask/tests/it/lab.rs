//! The fault laboratory: a proxy that stands before a registry or a git remote and answers chosen requests
//! with a fault, and git's own server for a remote over HTTP. Both listen on 127.0.0.1 only.

use camino::{Utf8Path, Utf8PathBuf};
use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request instead of the server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server does not see the request.
    Status(u16),
    /// 429, and the wish that the client waits for an hour.
    Busy,
    /// 503, and the wish that the client waits for a second.
    Moment,
    /// The server handles the request, but its answer is replaced by a 500.
    LostAnswer,
    /// No answer at all.
    Silent,
    /// The server handles the request, but no answer comes.
    Unanswered,
    /// One byte every tenth of a second.
    Drip,
    /// The connection is reset before the request was read.
    Reset,
    /// The server handles the request, but its answer ends in the middle.
    Truncated,
    /// 200 with a web page of a gateway.
    Page,
    /// To another host.
    Redirect,
    /// 403 with the login of the request in its body.
    Echo,
    /// This status, with this body.
    Answer(u16, &'static str),
    /// A cache answers as the server did before the upload.
    Stale,
}

/// Requests with this method, and with these texts in their path and headers.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub method: &'static str,
    /// A part of the path.
    pub path: &'static str,
    /// A part of the headers.
    pub kind: &'static str,
}

impl Request {
    fn is(&self, method: &str, path: &str, head: &str) -> bool {
        self.method == method && path.contains(self.path) && head.contains(self.kind)
    }
}

/// Which requests get which faults. Each request takes the first fault that is left.
struct Rule {
    requests: Request,
    faults: VecDeque<Fault>,
    /// The rule does nothing until such a request has come.
    after: Option<Request>,
    /// When the last fault was taken: the number of requests until then, of all proxies.
    taken: Option<usize>,
}

/// Orders the faults of all proxies.
static CLOCK: AtomicUsize = AtomicUsize::new(0);

#[derive(Default)]
struct Plan {
    rules: Vec<Rule>,
    /// Method and path of every request, and the fault that it got.
    seen: Vec<(String, Option<Fault>)>,
    /// How many requests without an answer the server has handled.
    handled: usize,
    /// The last answer that a cache may still give, by method and path, and by the `Accept` header.
    before: BTreeMap<(String, String), Vec<u8>>,
}

pub(crate) struct Proxy {
    /// `127.0.0.1:PORT`
    pub address: String,
    plan: Arc<Mutex<Plan>>,
}

impl Proxy {
    /// Starts a proxy before the server at this address. It runs until the tests end.
    pub(crate) fn before(server: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (shared, server) = (plan.clone(), server.to_string());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (plan, server) = (shared.clone(), server.clone());
                std::thread::spawn(move || serve(&client, &server, &plan));
            }
        });
        Proxy { address, plan }
    }

    /// The next such requests get these faults, one each.
    pub(crate) fn fault(&self, requests: Request, faults: &[Fault]) {
        self.fault_after(None, requests, faults);
    }

    /// Like `fault`, for the requests after the first one of `after`.
    pub(crate) fn fault_after(&self, after: Option<Request>, requests: Request, faults: &[Fault]) {
        let faults = faults.iter().copied().collect();
        self.plan.lock().unwrap().rules.push(Rule { requests, faults, after, taken: None });
    }

    /// How many faults no request has taken yet.
    pub(crate) fn left(&self) -> usize {
        self.plan.lock().unwrap().rules.iter().map(|rule| rule.faults.len()).sum()
    }

    /// When a request took the last fault of a rule, as a number that grows with time. None: it is left.
    pub(crate) fn taken(&self, requests: &Request) -> Option<usize> {
        let plan = self.plan.lock().unwrap();
        let key = |r: &Request| (r.method, r.path, r.kind);
        plan.rules.iter().find(|rule| key(&rule.requests) == key(requests))?.taken
    }

    /// How many requests of [`Fault::Unanswered`] the server has handled.
    pub(crate) fn handled(&self) -> usize {
        self.plan.lock().unwrap().handled
    }

    /// Removes all faults.
    pub(crate) fn heal(&self) {
        self.plan.lock().unwrap().rules.clear();
    }

    /// The requests so far, for messages.
    pub(crate) fn seen(&self) -> Vec<(String, Option<Fault>)> {
        self.plan.lock().unwrap().seen.clone()
    }
}

/// One request. Errors are the client's or the server's business: the connection just ends.
fn serve(client: &TcpStream, server: &str, plan: &Mutex<Plan>) {
    let Some(head) = peek_head(client) else { return };
    let first = head.lines().next().unwrap_or_default().to_string();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let key = format!("{method} {path}");
    let (fault, keep) = {
        let mut plan = plan.lock().unwrap();
        for rule in &mut plan.rules {
            rule.after.take_if(|after| after.is(method, path, &head));
        }
        // What a cache may answer later: it asks the server until the upload.
        let keep = plan.rules.iter().any(|rule| {
            rule.after.is_some()
                && rule.faults.contains(&Fault::Stale)
                && rule.requests.method == method
                && path.contains(rule.requests.path)
        });
        let rule = plan.rules.iter_mut().find(|rule| {
            rule.requests.is(method, path, &head) && rule.after.is_none() && !rule.faults.is_empty()
        });
        let fault = rule.and_then(|rule| {
            let fault = rule.faults.pop_front();
            rule.taken = rule.faults.is_empty().then(|| CLOCK.fetch_add(1, Ordering::Relaxed));
            fault
        });
        plan.seen.push((key.clone(), fault));
        (fault, keep)
    };
    // Data that was received and not read makes the system send a reset.
    if fault == Some(Fault::Reset) {
        return;
    }
    let _ = match (fault, keep) {
        (Some(Fault::Stale), _) => {
            let absent = || b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
            let before = plan.lock().unwrap().before.clone();
            let same = before.get(&(key.clone(), accepts(&head)));
            let other = || before.iter().find(|((kept, _), _)| *kept == key).map(|(_, answer)| answer);
            reply(client, &head, &same.or_else(other).cloned().unwrap_or_else(absent))
        }
        (Some(Fault::Unanswered), _) => forwarded(client, server, &head).and_then(|_| {
            plan.lock().unwrap().handled += 1;
            std::io::copy(&mut &*client, &mut std::io::sink()).map(drop)
        }),
        (None, true) => kept(client, server, &head).map(|answer| {
            plan.lock().unwrap().before.insert((key, accepts(&head)), answer);
        }),
        _ => answer(client, server, &head, fault),
    };
    let _ = client.shutdown(Shutdown::Both);
}

/// Answers with these bytes.
fn reply(mut client: &TcpStream, head: &str, bytes: &[u8]) -> std::io::Result<()> {
    client.read_exact(&mut vec![0; head.len()])?;
    client.write_all(bytes)
}

/// Forwards the request, and returns the answer without sending it.
fn forwarded(mut client: &TcpStream, server: &str, head: &str) -> std::io::Result<Vec<u8>> {
    client.read_exact(&mut vec![0; head.len()])?;
    exchange(client, server, head)
}

fn accepts(head: &str) -> String {
    header(head, "accept").unwrap_or_default().to_string()
}

/// Forwards the request, and returns the answer, which is a whole one: not 304.
fn kept(mut client: &TcpStream, server: &str, head: &str) -> std::io::Result<Vec<u8>> {
    client.read_exact(&mut vec![0; head.len()])?;
    let lines = head.lines().filter(|line| !line.to_lowercase().starts_with("if-none-match:"));
    let whole = exchange(client, server, &lines.map(|line| format!("{line}\r\n")).collect::<String>())?;
    client.write_all(&whole)?;
    Ok(whole)
}

fn answer(client: &TcpStream, server: &str, head: &str, fault: Option<Fault>) -> std::io::Result<()> {
    let mut client = client;
    client.read_exact(&mut vec![0; head.len()])?;
    let page = "<html><body>Down for maintenance</body></html>";
    let reply = |status: &str, more: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    };
    let text = match fault {
        None | Some(Fault::Stale | Fault::Unanswered) => return forward(client, server, head),
        Some(Fault::Truncated) => {
            let whole = exchange(client, server, head)?;
            let body = whole.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
            return client.write_all(&whole[..body + (whole.len() - body) / 2]);
        }
        Some(Fault::LostAnswer) => {
            exchange(client, server, head)?;
            return client.write_all(reply("500 Lost", "", "the answer was lost").as_bytes());
        }
        Some(Fault::Silent | Fault::Reset) => {
            return std::io::copy(&mut client, &mut std::io::sink()).map(drop);
        }
        Some(Fault::Drip) => {
            body(client, head)?;
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n")?;
            loop {
                client.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Some(Fault::Status(status)) => reply(&format!("{status} Fault"), "", "a fault of the laboratory"),
        Some(Fault::Busy) => reply("429 Slow", "Retry-After: 3600\r\n", "busy"),
        Some(Fault::Moment) => reply("503 Busy", "Retry-After: 1\r\n", "busy"),
        Some(Fault::Page) => reply("200 OK", "Content-Type: text/html\r\n", page),
        Some(Fault::Redirect) => reply("302 There", "Location: http://127.0.0.1:9/there\r\n", ""),
        Some(Fault::Answer(status, words)) => {
            let kind = if words.starts_with('{') { "application/json" } else { "text/plain" };
            reply(&format!("{status} Answer"), &format!("Content-Type: {kind}\r\n"), words)
        }
        Some(Fault::Echo) => reply("403 No", "", header(head, "authorization").unwrap_or("nobody")),
    };
    body(client, head)?;
    client.write_all(text.as_bytes())
}

/// The request's head, left unread.
fn peek_head(client: &TcpStream) -> Option<String> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = client.peek(&mut buffer).ok().filter(|n| *n > 0)?;
        if let Some(end) = buffer[..n].windows(4).position(|w| w == b"\r\n\r\n") {
            return Some(String::from_utf8_lossy(&buffer[..end + 4]).into_owned());
        }
        // The rest is on its way: `peek` does not wait for more than it has.
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Reads the request's body: of a known length, or in chunks, whose frames it keeps.
fn body(mut client: &TcpStream, head: &str) -> std::io::Result<Vec<u8>> {
    if header(head, "expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if let Some(length) = header(head, "content-length").and_then(|length| length.parse().ok()) {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes)?;
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    let mut byte = [0];
    while header(head, "transfer-encoding").is_some() && !bytes.ends_with(b"\r\n0\r\n\r\n") {
        client.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    Ok(bytes)
}

/// The head with `Connection: close`, so that the end of the connection is the end of the answer.
fn closing(head: &str) -> String {
    let kept =
        |line: &&str| !["connection:", "expect:"].iter().any(|name| line.to_lowercase().starts_with(name));
    let lines: Vec<&str> = head.trim_end().lines().filter(kept).collect();
    format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}

/// The server's whole answer.
fn exchange(client: &TcpStream, server: &str, head: &str) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server)?;
    let sent = body(client, head)?;
    upstream.write_all(closing(head).as_bytes())?;
    upstream.write_all(&sent)?;
    let mut whole = Vec::new();
    upstream.read_to_end(&mut whole)?;
    Ok(whole)
}

fn forward(mut client: &TcpStream, server: &str, head: &str) -> std::io::Result<()> {
    let whole = exchange(client, server, head)?;
    client.write_all(&whole)
}

/// A git remote over HTTP: `git http-backend` (CGI, RFC 3875) for the bare repositories in a folder. Returns
/// the server's address.
pub(crate) fn git_server(folder: &Utf8Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, folder) = (listener.local_addr().unwrap().to_string(), folder.to_path_buf());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let folder = folder.clone();
            std::thread::spawn(move || {
                let _ = git_answer(&client, &folder);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn git_answer(client: &TcpStream, folder: &Utf8PathBuf) -> std::io::Result<()> {
    let mut client = client;
    let Some(head) = peek_head(client) else { return Ok(()) };
    client.read_exact(&mut vec![0; head.len()])?;
    let sent = body(client, &head)?;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut command = Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs([
        ("GIT_PROJECT_ROOT", folder.as_str()),
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "http.receivepack"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("REQUEST_METHOD", method),
        ("PATH_INFO", path),
        ("QUERY_STRING", query),
        ("CONTENT_TYPE", header(&head, "content-type").unwrap_or_default()),
        ("HTTP_CONTENT_ENCODING", header(&head, "content-encoding").unwrap_or_default()),
        ("GIT_PROTOCOL", header(&head, "git-protocol").unwrap_or_default()),
        ("CONTENT_LENGTH", &sent.len().to_string()),
    ]);
    let mut backend = command.spawn()?;
    let mut stdin = backend.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&sent));
    let output = backend.wait_with_output()?.stdout;
    let _ = writer.join();
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(0);
    let headers = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = header(&headers, "status").unwrap_or("200 OK");
    write!(client, "HTTP/1.1 {status}\r\n{headers}\r\nConnection: close\r\n")?;
    write!(client, "Content-Length: {}\r\n", output.len() - end - 4)?;
    client.write_all(&output[end + 2..])
}
