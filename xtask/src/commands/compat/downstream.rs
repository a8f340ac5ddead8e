//! `compat --template DIR`: the downstream gate. The release that a template pins against what the template
//! brings; everything that is wrong at once.

use super::document::{self, Document, Promise};
use super::pinned::{self, Download, Hash, Listed};
use super::template::{self, Package, Pin, Template};
use crate::finding::{Finding, Level, to_json};
use crate::flags;
use crate::flags::Flags;
use crate::model::endpoints::Endpoints;
use crate::model::workspace::Workspace;
use crate::sys::exit::Exit;
use crate::sys::ui;
use crate::sys::ui::report::plain;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

#[cfg(test)]
mod tests;

/// A template as it was read, and where from.
struct Asked {
    template: Template,
    package: Package,
    pin: Pin,
    template_file: Utf8PathBuf,
    pin_file: Utf8PathBuf,
}

/// Works anywhere: a repository is read only where the template names one of its apps.
pub fn command(flags: &Flags, compat: &flags::Compat, dir: &Utf8Path) -> Result<()> {
    let asked = read(flags, dir)?;
    let line = ui::begin(&format!("template {}", asked.package.name));
    let mut findings = other_package(&asked);
    let (document, problems) = match &compat.compat {
        Some(file) => from_file(file)?,
        None => from_index(&asked, &Endpoints::from_flags(&flags.endpoints)?)?,
    };
    findings.extend(problems);
    findings.extend(document.iter().flat_map(|document| judge(&asked, document)));
    let at = asked.package.at(&asked.pin.version);
    line.end(match findings.iter().filter(|f| f.stops()).count() {
        0 => ui::Outcome::Done(format!("{at} suits it: {}", brings(&asked.template))),
        _ => ui::Outcome::Failed(format!("{at} does not suit it")),
    });
    if flags.json {
        println!("{}", to_json(&findings));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    Ok(())
}

fn read(flags: &Flags, dir: &Utf8Path) -> Result<Asked> {
    if !dir.is_dir() {
        return Err(Exit::Usage(format!("--template {dir}: no such folder")).into());
    }
    let (template_file, pin_file) = (dir.join("template.toml"), dir.join(".runtime-version"));
    let text = |file: &Utf8Path, what: &str| -> Result<String> {
        match std::fs::read(file) {
            Ok(bytes) => {
                String::from_utf8(bytes).map_err(|_| Exit::Usage(format!("{file} is not UTF-8")).into())
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Exit::Usage(format!("there is no {file}: {what}")).into())
            }
            Err(e) => Err(e).with_context(|| format!("{file} can't be read")),
        }
    };
    let template = template::read(
        &text(&template_file, "what the template is built on, its plugins and its channels")?,
        &template_file,
    )?;
    let package = match (&template.app, &template.package, template.ecosystem) {
        (Some(app), _, _) => {
            let ws = Workspace::load(flags.root.as_deref())?;
            let settings = &ws.app(app)?.settings;
            Package { name: settings.package.clone(), ecosystem: settings.ecosystem }
        }
        (None, Some(name), Some(ecosystem)) => Package { name: name.clone(), ecosystem },
        _ => return Err(Exit::Usage(format!("{template_file}: what is it built on?")).into()),
    };
    let pin = template::read_pin(
        &text(&pin_file, "one line with the version that the template pins")?,
        package.ecosystem,
        &pin_file,
    )?;
    Ok(Asked { template, package, pin, template_file, pin_file })
}

fn other_package(asked: &Asked) -> Vec<Finding> {
    let other = asked.pin.package.as_ref().filter(|name| !asked.package.is(name));
    let message =
        |name: &String| format!("it pins {name}, and {} says {}", asked.template_file, asked.package.name);
    let finding = |name: &String| {
        Finding::new("pin-other-package", Level::Error, message(name)).help("make them name one package")
    };
    other.map(|name| finding(name).place(asked.pin_file.as_str())).into_iter().collect()
}

type Found = (Option<Document>, Vec<Finding>);

fn from_file(file: &Utf8Path) -> Result<Found> {
    let bytes =
        std::fs::read(file).map_err(|e| Exit::Usage(format!("--compat {file} can't be read: {e}")))?;
    Ok(parsed(&bytes, file.as_str()))
}

fn parsed(bytes: &[u8], place: &str) -> Found {
    match document::read(bytes) {
        Ok(document) => (Some(document), Vec::new()),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(|p| plain(p)).collect();
            let message = format!("no valid compat.json:\n  {}", problems.join("\n  "));
            let help = "pin another release, and tell those who made this one";
            (None, vec![Finding::new("compat-invalid", Level::Error, message).place(place).help(help)])
        }
    }
}

/// The document of the pinned release, and what is wrong with the pin.
fn from_index(asked: &Asked, endpoints: &Endpoints) -> Result<Found> {
    let (index, at) = (pinned::index(&asked.package, endpoints), asked.package.at(&asked.pin.version));
    let alone = |finding: Finding| Ok((None, vec![finding]));
    let newest = |newest: &Option<String>| match newest {
        Some(newest) => format!("pin the newest: echo {newest} > {}", asked.pin_file),
        None => "there is no other release to pin".to_string(),
    };
    let release = match pinned::look(&asked.package, &asked.pin.version, endpoints)? {
        Listed::Version(release) => release,
        Listed::NoPackage => {
            let message = format!("{index} has no package {}", asked.package.name);
            let finding =
                Finding::new("package-unknown", Level::Error, message).place(asked.template_file.as_str());
            return alone(finding.help("fix the name, or the address: XTASK_PYPI, XTASK_NPM"));
        }
        Listed::NoVersion { newest: version } => {
            let message = format!("{at} is not on {index}");
            return alone(
                Finding::new("pin-unknown", Level::Error, message)
                    .place(asked.pin_file.as_str())
                    .help(newest(&version)),
            );
        }
    };
    let mut findings = Vec::new();
    if let Some(how) = &release.withdrawn {
        let message = format!("{at} is withdrawn from {index} ({how})");
        findings.push(
            Finding::new("pin-yanked", Level::Warning, message)
                .place(asked.pin_file.as_str())
                .help(newest(&release.newest)),
        );
    }
    let (document, problems) = match pinned::download(&release)? {
        Download::File(Some(found)) => parsed(&found.bytes, &format!("{at}: {}", found.path)),
        Download::File(None) => {
            let message = format!("{at} holds no compat.json, so nobody knows what it promises");
            let finding = Finding::new("compat-missing", Level::Error, message).place(&release.url);
            (None, vec![finding.help("pin a release that has one, or hand it over: --compat FILE")])
        }
        Download::Differs(has) => {
            let wanted = match &release.hash {
                Some(Hash::Sha256(hash) | Hash::Sha512(hash)) => hash.as_str(),
                None => "another",
            };
            let message = format!("{index} lists {at} with the hash {wanted}, and serves a file with {has}");
            let finding = Finding::new("hash-differs", Level::Error, message).place(&release.url);
            (None, vec![finding.help("do not install it; tell those who keep the index")])
        }
    };
    findings.extend(problems);
    Ok((document, findings))
}

/// Pure: what the release promises against what the template brings.
fn judge(asked: &Asked, document: &Document) -> Vec<Finding> {
    let (package, template) = (&asked.package, &asked.template);
    let at = package.at(&document.version);
    let mut findings = Vec::new();
    if !package.is(&document.package) {
        let message =
            format!("the compat.json is of {}, the template is built on {}", document.package, package.name);
        findings.push(
            Finding::new("compat-other-package", Level::Error, message).place(asked.template_file.as_str()),
        );
    } else if !package.same_version(&document.version, &asked.pin.version) {
        let message = format!("the compat.json is of {at}, the template pins {}", asked.pin.version);
        findings
            .push(Finding::new("compat-other-version", Level::Error, message).place(asked.pin_file.as_str()));
    }
    for (i, plugin) in template.plugins.iter().enumerate() {
        let what = format!("the plugin {} is written for apiVersion {}", plugin.name, plugin.api_version);
        let ids = ["plugin-deprecated", "plugin-removed", "plugin-unsupported"];
        let finding =
            promised(document.plugin(&plugin.api_version), ids, &what, &at, &document.plugin_versions());
        findings.extend(finding.map(|f| f.place(format!("{}: plugins[{i}]", asked.template_file))));
    }
    for (i, channel) in template.channels.iter().enumerate() {
        let what = format!("the template's channel speaks {} {}", channel.protocol, channel.version);
        let ids = ["channel-deprecated", "channel-removed", "channel-unsupported"];
        let finding = promised(
            document.channel(&channel.protocol, &channel.version),
            ids,
            &what,
            &at,
            &document.channel_versions(),
        );
        findings.extend(finding.map(|f| f.place(format!("{}: channels[{i}]", asked.template_file))));
    }
    if let Some(spec) = template.spec.as_ref().filter(|spec| **spec != document.contract.spec) {
        let message =
            format!("the template was built against the spec {spec}, {at} serves {}", document.contract.spec);
        let help = format!(
            "look at what changed (cargo xtask openapi diff OLD NEW), then write the new hash into {}",
            asked.template_file
        );
        findings.push(
            Finding::new("spec-differs", Level::Error, message)
                .place(format!("{}: spec", asked.template_file))
                .help(help),
        );
    }
    // What somebody else has published never steers a terminal.
    for finding in &mut findings {
        finding.message = plain(&finding.message);
        finding.help = finding.help.as_deref().map(plain);
    }
    findings
}

/// `ids`: deprecated, removed, unsupported.
fn promised(
    promise: Promise,
    ids: [&'static str; 3],
    what: &str,
    at: &str,
    supported: &str,
) -> Option<Finding> {
    let [deprecated, removed, unsupported] = ids;
    let move_on = format!("move it to what is supported ({supported}), or pin another release");
    Some(match promise {
        Promise::Supported => return None,
        Promise::Deprecated(removal) => {
            let message = format!("{what}, which works with {at} and goes with {removal}");
            Finding::new(deprecated, Level::Warning, message)
                .help(format!("move it before you pin {removal}; supported: {supported}"))
        }
        Promise::Removed(removal) => Finding::new(
            removed,
            Level::Error,
            format!("{what}, which went with {removal}: {at} does not have it"),
        )
        .help(move_on),
        Promise::Unknown => {
            Finding::new(unsupported, Level::Error, format!("{what}, which {at} does not know")).help(move_on)
        }
    })
}

/// For people: `plugins shout 2; channels http 1`.
fn brings(template: &Template) -> String {
    let listed = |names: Vec<String>| if names.is_empty() { "none".to_string() } else { names.join(", ") };
    let plugins = listed(template.plugins.iter().map(|p| format!("{} {}", p.name, p.api_version)).collect());
    let channels =
        listed(template.channels.iter().map(|c| format!("{} {}", c.protocol, c.version)).collect());
    format!("plugins {plugins}; channels {channels}")
}
