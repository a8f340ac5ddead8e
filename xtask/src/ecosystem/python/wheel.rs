//! Reads a wheel, which is a zip file (PEP 427), with Python's standard library.

use crate::sys::{child, tools};
use anyhow::{Result, bail};
use base64::Engine;
use camino::Utf8Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use xshell::cmd;

/// The paths in it.
pub(crate) fn names(wheel: &Utf8Path) -> Result<Vec<String>> {
    asked(wheel, "wheel.namelist()", &[])
}

/// The first `longest` bytes of the file at this path in it.
pub(crate) fn read(wheel: &Utf8Path, path: &str, longest: u64) -> Result<Vec<u8>> {
    let content = "base64.b64encode(wheel.open(sys.argv[2]).read(int(sys.argv[3]))).decode()";
    let encoded: String = asked(wheel, content, &[path, &longest.to_string()])?;
    Ok(base64::engine::general_purpose::STANDARD.decode(encoded)?)
}

/// The value of a Python expression about the open `wheel`.
fn asked<T: DeserializeOwned>(wheel: &Utf8Path, expression: &str, args: &[&str]) -> Result<T> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Answer<T> {
        Value(T),
        Error(String),
    }
    let script = format!(
        "import base64, json, sys, zipfile
try:
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        answer = {{'value': {expression}}}
except Exception as error:
    answer = {{'error': str(error) or type(error).__name__}}
print(json.dumps(answer))"
    );
    let (python, sh) = (tools::python()?, child::shell("/")?);
    let answer = child::capture(cmd!(sh, "{python} -I -c {script} {wheel} {args...}"), &[])?;
    match serde_json::from_str(&answer)? {
        Answer::Value(value) => Ok(value),
        Answer::Error(error) => bail!("it is not a wheel that can be read: {error}"),
    }
}
