//! The password of the git remote's address. Git gets it by a credential helper, so that neither an argument
//! nor an environment variable of git, of its helpers and of hooks contains it.

use crate::sys::{secrets, url};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

/// Two files without a name, which end with xtask: git's settings, and the answer of the credential helper
/// (git-credential(1)).
pub(super) struct Login {
    settings: File,
    _answer: File,
    /// Where the system has no `/proc`: the start of the address with the password, and without.
    by_environment: Option<(String, String)>,
}

impl Login {
    /// The login of this address, and the address without its secret. None if it has no secret.
    pub(super) fn new(address: &str) -> Option<(Login, String)> {
        let (with, without) = url::login(address)?;
        let login = url::authority(&with).rsplit_once('@')?.0;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (user, password) = (url::unescape(user), url::unescape(password));
        secrets::hide(if url::is_token(&user) { &user } else { &password });
        let shown = address.replacen(&with, &without, 1);
        let (mut settings, mut answer) = (tempfile::tempfile().ok()?, tempfile::tempfile().ok()?);
        let proc = std::path::Path::new(&place(&answer)).exists();
        let lines = [user.as_str(), &password].iter().all(|text| !text.contains(['\n', '\0']));
        if lines {
            write!(answer, "username={user}\npassword={password}\n").ok()?;
        }
        // The empty helper removes those of the user: none of them is to store the password. A remote that is
        // named in git's settings with the password is asked without it, too (git-config(1), insteadOf).
        let helper = format!("!f() {{ test \\\"$1\\\" != get || cat {}; }}; f", place(&answer));
        write!(
            settings,
            "[credential \"{without}\"]\n\thelper =\n\thelper = \"{helper}\"\n\
             [url \"{without}\"]\n\tinsteadOf = \"{with}\"\n"
        )
        .ok()?;
        let by_environment = (!proc).then_some((with, without));
        Some((Login { settings, _answer: answer, by_environment }, shown))
    }

    /// The variables for git.
    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        let (key, value) = match &self.by_environment {
            Some((with, without)) => (format!("url.{with}.insteadOf"), without.clone()),
            None => ("include.path".to_string(), place(&self.settings)),
        };
        [("GIT_CONFIG_COUNT", "1".to_string()), ("GIT_CONFIG_KEY_0", key), ("GIT_CONFIG_VALUE_0", value)]
    }
}

/// The name of an open file of this process, for its children (proc(5)). They do not inherit the file itself.
pub(super) fn place(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
