//! A small synchronous HTTP client. It retries temporary failures a few times and never sends credentials to
//! another host after a redirect. Its errors contain the status, the method, the address without secrets, and
//! the start of the answer.

use crate::sys::network_fault::{self, NetworkFault};
use crate::sys::retry;
use crate::sys::url::{is_loopback, join, origin, without_secrets};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::io::Read;
use std::time::Duration;
use ureq::http::{self, HeaderMap};

const REDIRECTS: usize = 5;
/// The longest answer that is read into memory, in bytes.
const LONGEST_ANSWER: u64 = 64 << 20;

pub(crate) struct Http {
    agent: ureq::Agent,
    /// For addresses on this machine, which a proxy cannot reach.
    local: ureq::Agent,
}

pub(crate) struct Request<'a> {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<&'a [u8]>,
    /// An Authorization header. It is sent only to a server that answers 401.
    login: Option<String>,
}

pub(crate) struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    method: &'static str,
    /// The address of the answer, after redirects.
    pub url: String,
    body: Body,
}

enum Body {
    Open(ureq::Body),
    Read(Vec<u8>),
}

/// An answer with an unexpected status.
#[derive(Debug)]
pub(crate) struct HttpError {
    pub status: u16,
    pub method: &'static str,
    pub url: String,
    /// The start of the body.
    pub body: String,
    /// The pause that the server asks for, if it is longer than xtask waits.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} {}", self.method, self.url, self.status, reason(self.status))?;
        if let Some(after) = self.retry_after {
            write!(f, " ({})", retry::Asked(after))?;
        }
        if self.body.is_empty() { Ok(()) } else { write!(f, ": {}", self.body) }
    }
}

impl std::error::Error for HttpError {}

/// The status of an [`HttpError`]. None for any other error.
pub(crate) fn status_of(error: &anyhow::Error) -> Option<u16> {
    error.downcast_ref::<HttpError>().map(|e| e.status)
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'static str, url: impl Into<String>) -> Request<'a> {
        Request { method, url: url.into(), headers: Vec::new(), body: None, login: None }
    }
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Request<'a> {
        self.headers.push((name, value.into()));
        self
    }
    fn with_authorization(&self, value: &str) -> Request<'a> {
        let mut headers = self.headers.clone();
        headers.push(("authorization", value.to_string()));
        Request { method: self.method, url: self.url.clone(), headers, body: self.body, login: None }
    }
    /// Sets the Authorization header that is sent only after an answer 401.
    pub(crate) fn login(self, login: Option<String>) -> Request<'a> {
        Request { login, ..self }
    }
    pub(crate) fn body(mut self, content_type: &str, bytes: &'a [u8]) -> Request<'a> {
        self.headers.push(("Content-Type", content_type.to_string()));
        self.body = Some(bytes);
        self
    }
}

/// An Authorization header with user and password: `Basic …` (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{user}:{password}"))
    )
}

impl Http {
    pub(crate) fn new() -> Result<Http> {
        let config = || {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .allow_non_standard_methods(true)
                .user_agent(concat!("xtask/", env!("CARGO_PKG_VERSION")))
                .timeout_connect(Some(Duration::from_secs(15)))
                .timeout_recv_response(Some(retry::silence()))
                .timeout_per_read(Some(retry::silence()))
                .timeout_per_write(Some(retry::silence()))
                .timeout_global(Some(retry::overall()))
        };
        Ok(Http {
            agent: config().tls_config(tls()?).build().new_agent(),
            local: config().proxy(None).build().new_agent(),
        })
    }

    /// Sends the request until the answer is final, at most 4 times, and reads the whole answer. It retries
    /// 408, 425, 429, 500, 502, 503, 504, timeouts, broken connections and answers that end early.
    pub(crate) fn send(&self, request: &Request) -> Result<Response> {
        self.ask(request, Ok)
    }

    /// Like [`Http::send`]; an answer that `read` does not understand is asked for again too. `read` gets
    /// answers of every final status.
    pub(crate) fn ask<T>(&self, request: &Request, read: impl Fn(Response) -> Result<T>) -> Result<T> {
        self.repeat(request, |answer| read(answer.whole()?))
    }

    /// Like [`Http::send`], but the body is not read yet, for downloads of any size.
    pub(crate) fn open(&self, request: &Request) -> Result<Response> {
        self.repeat(request, Ok)
    }

    fn repeat<T>(&self, request: &Request, take: impl Fn(Response) -> Result<T>) -> Result<T> {
        let mut attempt = 1;
        loop {
            let last = attempt == retry::TRIES;
            let (why, pause) = match self.with_login(request) {
                Err(error) if last || !worth_retrying(&error) => return Err(error),
                Err(error) => (error.root_cause().to_string(), None),
                Ok(answer) if !last && answer.is_worth_retrying() => {
                    (format!("{} {}", answer.status, reason(answer.status)), answer.retry_after())
                }
                Ok(answer) => match take(answer) {
                    Err(error) if !last && !is_final(&error) => (error.root_cause().to_string(), None),
                    taken => return taken,
                },
            };
            let what = format!("{} {}", request.method, without_secrets(&request.url));
            retry::wait(&what, &why, attempt, pause.unwrap_or_else(|| retry::pause(attempt)));
            attempt += 1;
        }
    }

    /// Like [`Http::send`], but one attempt, for a request that must not be repeated blindly.
    pub(crate) fn once(&self, request: &Request) -> Result<Response> {
        self.with_login(request)?.whole()
    }

    /// One attempt, with the login if the server asks for one.
    fn with_login(&self, request: &Request) -> Result<Response> {
        let what = format!("{} {}", request.method, without_secrets(&request.url));
        let _waiting = retry::waiting(&what, retry::silence());
        match (self.follow(request)?, &request.login) {
            (answer, Some(login)) if answer.status == 401 => self.follow(&request.with_authorization(login)),
            (answer, _) => Ok(answer),
        }
    }

    /// GET of a small text or JSON document. Any status but 2xx is an error.
    pub(crate) fn get(&self, url: &str) -> Result<Vec<u8>> {
        self.send(&Request::new("GET", url))?.success()?.bytes()
    }

    /// One attempt. Redirects are followed for GET and HEAD only.
    fn follow(&self, request: &Request) -> Result<Response> {
        let mut answer = self.send_once(request, &request.url, true)?;
        for _ in 0..REDIRECTS {
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let target = answer.location()?;
            if !matches!(request.method, "GET" | "HEAD") {
                bail!(
                    "{} {}: redirected to {}; redirects are followed for GET and HEAD only",
                    request.method,
                    answer.url,
                    origin(&target)
                );
            }
            if answer.url.starts_with("https:") && !target.starts_with("https:") {
                bail!(
                    "{} {}: redirected from https to {}: refused, because http is not encrypted",
                    request.method,
                    answer.url,
                    origin(&target)
                );
            }
            answer = self.send_once(request, &target, origin(&target) == origin(&request.url))?;
        }
        bail!("{} {}: more than {REDIRECTS} redirects", request.method, without_secrets(&request.url))
    }

    /// One request without retries or redirects. With `with_credentials` false, the Authorization header is
    /// left out, for a redirect to another host.
    pub(crate) fn send_once(&self, request: &Request, url: &str, with_credentials: bool) -> Result<Response> {
        let shown = without_secrets(url);
        match network_fault::set(None) {
            Some(NetworkFault::Status(status)) => {
                let body = Body::Read(b"--fault".to_vec());
                let (headers, url) = (HeaderMap::new(), url.to_string());
                return Ok(Response { status, headers, method: request.method, url, body });
            }
            Some(fault) => return Err(fault.error()).context(format!("{} {shown}", request.method)),
            None => {}
        }
        let mut builder = http::Request::builder().method(request.method).uri(url);
        for (name, value) in request
            .headers
            .iter()
            .filter(|(name, _)| with_credentials || !name.eq_ignore_ascii_case("authorization"))
        {
            builder = builder.header(*name, value);
        }
        let context = || format!("{} {shown}", request.method);
        let agent = if is_loopback(url) { &self.local } else { &self.agent };
        let answer = match request.body {
            Some(bytes) => agent.run(builder.body(bytes).with_context(context)?),
            None => agent.run(builder.body(()).with_context(context)?),
        };
        let (parts, body) = answer.with_context(context)?.into_parts();
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            method: request.method,
            url: url.to_string(),
            body: Body::Open(body),
        })
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Does the body contain this text? False for a body that is not read yet.
    pub(crate) fn says(&self, text: &str) -> bool {
        match &self.body {
            Body::Read(bytes) => String::from_utf8_lossy(bytes).to_lowercase().contains(text),
            Body::Open(_) => false,
        }
    }

    /// Reads the whole body. An error if it ends early, or if it is longer than 64 MiB.
    fn whole(mut self) -> Result<Response> {
        if let Body::Open(body) = &mut self.body {
            let bytes = body.with_config().limit(LONGEST_ANSWER).read_to_vec().with_context(|| {
                format!("{} {}: cannot read the whole answer", self.method, without_secrets(&self.url))
            })?;
            self.body = Body::Read(bytes);
        }
        Ok(self)
    }

    pub(crate) fn bytes(self) -> Result<Vec<u8>> {
        match self.whole()?.body {
            Body::Read(bytes) => Ok(bytes),
            Body::Open(_) => bail!("the answer was not read"),
        }
    }

    /// The body, of any size, of an answer from [`Http::open`].
    pub(crate) fn reader(self) -> Box<dyn Read> {
        match self.body {
            Body::Open(body) => Box::new(body.into_with_config().limit(u64::MAX).reader()),
            Body::Read(bytes) => Box::new(std::io::Cursor::new(bytes)),
        }
    }

    pub(crate) fn success(self) -> Result<Response> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.error().into()) }
    }

    pub(crate) fn error(self) -> HttpError {
        let (status, method, url) = (self.status, self.method, without_secrets(&self.url));
        let retry_after = self.retry_after().filter(|after| *after > retry::LONGEST_PAUSE);
        let mut start = Vec::new();
        let _ = self.reader().take(64 << 10).read_to_end(&mut start);
        let text = String::from_utf8_lossy(&start);
        let mut body: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if body.chars().count() > 300 {
            body = body.chars().take(300).chain(['…']).collect();
        }
        HttpError { status, method, url, body, retry_after }
    }

    /// Can the same request succeed a moment later? Not if the server asks for a longer pause.
    fn is_worth_retrying(&self) -> bool {
        retry::is_temporary(self.status) && self.retry_after().is_none_or(|s| s <= retry::LONGEST_PAUSE)
    }

    /// The Location header as an absolute address.
    pub(crate) fn location(&self) -> Result<String> {
        let shown = without_secrets(&self.url);
        let location = self
            .header("Location")
            .with_context(|| format!("{} {shown}: {} without a Location", self.method, self.status))?;
        join(&self.url, location)
            .with_context(|| format!("{} {shown}: the Location is not an http(s) address", self.method))
    }

    /// Retry-After in seconds. RFC 9110 also allows a date, but none of our servers sends one.
    fn retry_after(&self) -> Option<Duration> {
        self.header("Retry-After")?.trim().parse().ok().map(Duration::from_secs)
    }
}

/// Uses the roots in SSL_CERT_FILE if it is set, like curl, git and Python: companies and test set-ups have
/// their own root certificates.
fn tls() -> Result<ureq::tls::TlsConfig> {
    let builder = ureq::tls::TlsConfig::builder();
    let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|f| !f.is_empty()) else {
        return Ok(builder.build());
    };
    let shown = file.to_string_lossy().into_owned();
    let pem = std::fs::read(&file).with_context(|| format!("cannot read SSL_CERT_FILE {shown}"))?;
    let roots: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    Ok(builder.root_certs(ureq::tls::RootCerts::new_with_certs(&roots)).build())
}

/// Asks a server that has just been busy. Returns its answer if it wants a longer pause than xtask waits.
pub(crate) fn asked_pause(url: &str) -> Option<HttpError> {
    let answer = Http::new().ok()?.once(&Request::new("GET", url)).ok()?;
    Some(answer.error()).filter(|error| error.retry_after.is_some())
}

/// The reason of a failure that another try may not have.
pub(crate) fn temporary(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<HttpError>() {
        Some(e) => (retry::is_temporary(e.status) && e.retry_after.is_none())
            .then(|| format!("{} {}", e.status, reason(e.status))),
        None => worth_retrying(error).then(|| error.root_cause().to_string()),
    }
}

fn worth_retrying(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Io(e)) => e.kind() != std::io::ErrorKind::ConnectionRefused,
        Some(ureq::Error::Timeout(_) | ureq::Error::Protocol(_)) => true,
        _ => false,
    }
}

/// Is it an answer that asking again does not change: a status, or a body that is too long?
fn is_final(error: &anyhow::Error) -> bool {
    status_of(error).is_some()
        || matches!(error.downcast_ref::<ureq::Error>(), Some(ureq::Error::BodyExceedsLimit(_)))
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("")
}

#[cfg(test)]
mod tests;
