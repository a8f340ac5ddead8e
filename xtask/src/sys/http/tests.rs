//! Requests to servers on this machine: retries, redirects, credentials, limits.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;

/// A server that gives each connection the next of these answers. The thread returns the requests.
fn server(answers: Vec<&'static str>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = Vec::new();
                let mut buffer = [0; 4096];
                while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
                    match stream.read(&mut buffer).unwrap() {
                        0 => break,
                        n => asked.extend_from_slice(&buffer[..n]),
                    }
                }
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(asked).unwrap()
            })
            .collect()
    });
    (url, thread)
}

#[test]
fn a_request_is_retried_if_the_server_is_busy_and_not_if_it_refuses() {
    let (url, served) = server(vec![
        "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnot you",
    ]);
    let answer = Http::new().unwrap().send(&Request::new("GET", format!("{url}/x?token=secret"))).unwrap();
    let error = answer.success().err().unwrap();
    assert_eq!(status_of(&error), Some(403));
    assert_eq!(error.to_string(), format!("GET {url}/x?…: 403 Forbidden: not you"));
    assert_eq!(served.join().unwrap().len(), 3);
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let (other, reached) =
        server(vec!["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"]);
    let answer = format!(
        "HTTP/1.1 307 There\r\nLocation: {other}/blob\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (url, asked) = server(vec![answer.leak()]);
    let request = Request::new("GET", url).header("Authorization", "Bearer secret");
    assert_eq!(Http::new().unwrap().send(&request).unwrap().bytes().unwrap(), b"ok");
    assert!(asked.join().unwrap()[0].contains("Bearer secret"));
    assert!(!reached.join().unwrap()[0].contains("secret"));
}

#[test]
fn a_write_is_never_redirected() {
    let (url, _served) = server(vec![
        "HTTP/1.1 307 There\r\nLocation: http://other/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ]);
    let request = Request::new("PUT", url).body("text/plain", b"x");
    let error = Http::new().unwrap().send(&request).err().unwrap().to_string();
    assert!(error.contains("redirected to http://other"), "{error}");
}

#[test]
fn an_answer_that_ends_early_is_asked_for_again() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}";
    let (url, served) = server(vec![&whole[..whole.len() - 3], whole]);
    let answer = Http::new().unwrap().send(&Request::new("GET", url)).unwrap();
    assert_eq!(answer.bytes().unwrap(), b"{\"a\":1}");
    assert_eq!(served.join().unwrap().len(), 2);
}

#[test]
fn an_answer_that_is_not_understood_is_asked_for_again_but_not_a_refusal() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";
    let good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood";
    let no = "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (answers, expected) in [(vec![page, good], Some("good")), (vec![page, no], None)] {
        let (url, served) = server(answers);
        let read = |answer: Response| match answer.success()?.bytes()?.as_slice() {
            b"good" => Ok("good"),
            other => bail!("not understood: {other:?}"),
        };
        let found = Http::new().unwrap().ask(&Request::new("GET", url), read);
        assert_eq!(found.ok(), expected);
        assert_eq!(served.join().unwrap().len(), 2);
    }
}

#[test]
fn a_long_retry_after_is_reported_and_not_waited_for() {
    let (url, served) = server(vec![
        "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ]);
    let error = Http::new().unwrap().get(&format!("{url}/x")).unwrap_err().to_string();
    let asked = "the server asks to wait 3600 s, Retry-After; xtask waits at most 30 s";
    assert_eq!(error, format!("GET {url}/x: 429 Too Many Requests ({asked})"));
    assert_eq!(served.join().unwrap().len(), 1);
}

#[test]
fn an_answer_of_any_length_is_cut_at_the_limit_and_not_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let endless = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let _ = client.read(&mut [0; 4096]);
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").unwrap();
        // Until the client closes the connection.
        while client.write_all(&[b' '; 64 << 10]).is_ok() {}
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_err()
    });
    let error = Http::new().unwrap().send(&Request::new("GET", &url)).err().unwrap();
    assert!(format!("{error:#}").contains("cannot read the whole answer"), "{error:#}");
    assert!(endless.join().unwrap(), "it was asked again");
}
