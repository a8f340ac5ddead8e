//! A small synchronous HTTP client. It retries temporary failures a few times and never sends credentials to
//! another host after a redirect. Its errors contain the status, the method, the address without secrets, and
//! the start of the answer.

use crate::sys::ui;
use crate::sys::url::{is_loopback, join, origin, without_secrets};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::time::Duration;
use ureq::http::{self, HeaderMap};

const TRIES: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 5;

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
    body: ureq::Body,
}

/// An answer with an unexpected status.
#[derive(Debug)]
pub(crate) struct HttpError {
    pub status: u16,
    pub method: &'static str,
    pub url: String,
    /// The start of the body.
    pub body: String,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} {}", self.method, self.url, self.status, reason(self.status))?;
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
                .timeout_recv_response(Some(Duration::from_secs(60)))
                .timeout_per_read(Some(Duration::from_secs(60)))
        };
        Ok(Http {
            agent: config().tls_config(tls()?).build().new_agent(),
            local: config().proxy(None).build().new_agent(),
        })
    }

    /// Sends the request until the answer is final, at most 4 times. It retries 408, 429, 500, 502, 503, 504,
    /// timeouts and broken connections only.
    pub(crate) fn send(&self, request: &Request) -> Result<Response> {
        let mut attempt = 1;
        loop {
            let outcome = match (self.follow(request), &request.login) {
                (Ok(answer), Some(login)) if answer.status == 401 => {
                    self.follow(&request.with_authorization(login))
                }
                (outcome, _) => outcome,
            };
            let (why, wait) = match &outcome {
                Ok(answer) if !is_temporary(answer.status) => return outcome,
                Ok(answer) => (format!("{} {}", answer.status, reason(answer.status)), answer.retry_after()),
                Err(error) if !worth_retrying(error) => return outcome,
                Err(error) => (error.root_cause().to_string(), None),
            };
            if attempt == TRIES {
                return outcome;
            }
            let wait = wait.unwrap_or_else(|| pause(attempt)).min(LONGEST_PAUSE);
            let url = without_secrets(&request.url);
            let text = format!(
                "{} {url}: {why}; retry in {:.1} s ({attempt}/{TRIES})",
                request.method,
                wait.as_secs_f64()
            );
            ui::say(&format!("    {}", ui::dim(&text)));
            std::thread::sleep(wait);
            attempt += 1;
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
            body,
        })
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The whole body. An error if it is longer than 16 MiB.
    pub(crate) fn bytes(mut self) -> Result<Vec<u8>> {
        let shown = without_secrets(&self.url);
        self.body
            .with_config()
            .limit(16 << 20)
            .read_to_vec()
            .with_context(|| format!("{} {shown}: cannot read the whole answer", self.method))
    }

    pub(crate) fn reader(self) -> impl std::io::Read {
        self.body.into_with_config().limit(u64::MAX).reader()
    }

    pub(crate) fn success(self) -> Result<Response> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.error().into()) }
    }

    pub(crate) fn error(mut self) -> HttpError {
        let bytes =
            self.body.with_config().limit(64 << 10).lossy_utf8(true).read_to_string().unwrap_or_default();
        let mut text: String = bytes.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.chars().count() > 300 {
            text = text.chars().take(300).chain(['…']).collect();
        }
        HttpError { status: self.status, method: self.method, url: without_secrets(&self.url), body: text }
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

/// Is it a status after which the same request may succeed a moment later?
fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn worth_retrying(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Io(e)) => e.kind() != std::io::ErrorKind::ConnectionRefused,
        Some(ureq::Error::Timeout(_) | ureq::Error::Protocol(_)) => true,
        _ => false,
    }
}

/// The pause before the next attempt: 0.5, 1, 2 … seconds.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(7))
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("")
}

#[cfg(test)]
mod tests;
