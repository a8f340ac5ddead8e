//! `compat --template DIR`: the downstream gate. Checks a template's plugins and channels against the release
//! that it pins, and reports all problems together.

use super::dispatched::{self, Dispatched};
use super::document::{self, Document, Support};
use super::pinned::{self, Download, Hash, Listed};
use super::template::{self, Package, Pin, Template};
use crate::finding::{Finding, Level, to_json};
use crate::flags;
use crate::flags::Flags;
use crate::model::ctx::Ctx;
use crate::model::endpoints::Endpoints;
use crate::model::language::Ecosystem;
use crate::sys::exit::Exit;
use crate::sys::ui::report::plain;
use crate::sys::{hash, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

#[cfg(test)]
mod tests;

/// A template and the files that it was read from.
struct Asked {
    template: Template,
    package: Package,
    pin: Pin,
    /// With `--release`.
    release: Option<Dispatched>,
    template_file: Utf8PathBuf,
    pin_file: Utf8PathBuf,
}

/// Works outside a repository too: `ctx` reads one only if the template names an app of it.
pub(crate) fn command(
    flags: &Flags,
    compat: &flags::Compat,
    dir: &Utf8Path,
    ctx: impl Fn() -> Result<Ctx>,
) -> Result<()> {
    let (asked, endpoints) = read(flags, compat, dir, ctx)?;
    let line = ui::begin(&format!("template {}", asked.package.name));
    let mut findings = other_package(&asked);
    let (document, problems) = match &compat.compat {
        Some(file) => from_file(&asked, file)?,
        None => from_index(&asked, &endpoints)?,
    };
    findings.extend(problems);
    findings.extend(document.iter().flat_map(|document| judge(&asked, document)));
    let at = asked.package.at(&asked.pin.version);
    line.end(match findings.iter().filter(|f| f.stops()).count() {
        0 => ui::Outcome::Done(format!("{at} fits the template: {}", needs(&asked.template))),
        _ => ui::Outcome::Failed(format!("{at} does not fit the template")),
    });
    if flags.json {
        ui::print(to_json(&findings));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    Ok(())
}

fn read(
    flags: &Flags,
    compat: &flags::Compat,
    dir: &Utf8Path,
    ctx: impl Fn() -> Result<Ctx>,
) -> Result<(Asked, Endpoints)> {
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
            Err(e) => Err(e).with_context(|| format!("cannot read {file}")),
        }
    };
    let template = template::read(
        &text(
            &template_file,
            "it names the package that the template depends on, its plugins and its channels",
        )?,
        &template_file,
    )?;
    let (package, mut endpoints) = match (&template.app, &template.package, template.ecosystem) {
        (Some(app), _, _) => {
            let ctx = ctx()?;
            let settings = &ctx.ws.app(app)?.settings;
            let package = Package { name: settings.package.clone(), ecosystem: settings.ecosystem };
            (package, ctx.endpoints)
        }
        (None, Some(name), Some(ecosystem)) => {
            (Package { name: name.clone(), ecosystem }, Endpoints::from_flags(&flags.endpoints)?)
        }
        _ => return Err(Exit::Usage(format!("{template_file} names no package")).into()),
    };
    let pin = template::read_pin(
        &text(&pin_file, "it has one line with the version that the template pins")?,
        package.ecosystem,
        &pin_file,
    )?;
    let release = match &compat.release {
        Some(file) => Some(dispatched::read(&text(file, "it has the release as JSON")?, file)?),
        None => None,
    };
    if let Some(release) = release.as_ref().filter(|release| !release.is(&package, &pin.version)) {
        let (name, at) = (release.name(), package.at(&pin.version));
        let text = format!("--release is of {name}, but the template pins {at}: write it into {pin_file}");
        return Err(Exit::Usage(text).into());
    }
    // A flag overrides what the sender says.
    if let Some(index) = release.as_ref().and_then(|release| release.index.clone()) {
        match package.ecosystem {
            Ecosystem::Python if flags.endpoints.pypi.is_none() => endpoints.pypi.simple = index,
            Ecosystem::Ts if flags.endpoints.npm.is_none() => endpoints.npm = index,
            Ecosystem::Python | Ecosystem::Ts => {}
        }
    }
    Ok((Asked { template, package, pin, release, template_file, pin_file }, endpoints))
}

fn other_package(asked: &Asked) -> Vec<Finding> {
    let other = asked.pin.package.as_ref().filter(|name| !asked.package.is(name));
    let message =
        |name: &String| format!("it pins {name}, but {} names {}", asked.template_file, asked.package.name);
    let finding = |name: &String| {
        Finding::new("pin-other-package", Level::Error, message(name))
            .help("name the same package in both files")
    };
    other.map(|name| finding(name).place(asked.pin_file.as_str())).into_iter().collect()
}

type Found = (Option<Document>, Vec<Finding>);

fn from_file(asked: &Asked, file: &Utf8Path) -> Result<Found> {
    let bytes =
        std::fs::read(file).map_err(|e| Exit::Usage(format!("--compat {file} cannot be read: {e}")))?;
    Ok(parsed(asked, &bytes, file.as_str()))
}

fn parsed(asked: &Asked, bytes: &[u8], place: &str) -> Found {
    let has = format!("sha256:{}", hash::sha256(bytes));
    let wanted = asked.release.as_ref().and_then(|release| release.compat.as_ref());
    if let Some(wanted) = wanted.filter(|wanted| **wanted != has) {
        let message = format!("the compat.json is not the release's: its hash is {has}, not {wanted}");
        let finding = Finding::new("release-differs", Level::Error, message).place(place);
        return (None, vec![finding.help("read the compat.json of the release: leave --compat out")]);
    }
    match document::read(bytes) {
        Ok(document) => (Some(document), Vec::new()),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(|p| plain(p)).collect();
            let message = format!("the compat.json is not valid:\n  {}", problems.join("\n  "));
            let help = "pin another release, and tell the maintainers of this one";
            (None, vec![Finding::new("compat-invalid", Level::Error, message).place(place).help(help)])
        }
    }
}

/// The document of the pinned release, and findings about the pin.
fn from_index(asked: &Asked, endpoints: &Endpoints) -> Result<Found> {
    let (index, at) = (asked.package.ecosystem.index(endpoints), asked.package.at(&asked.pin.version));
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
            return alone(finding.help("fix the name, or the index's URL: XTASK_PYPI, XTASK_NPM"));
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
        let message = format!("{at} was withdrawn from {index} ({how})");
        findings.push(
            Finding::new("pin-yanked", Level::Warning, message)
                .place(asked.pin_file.as_str())
                .help(newest(&release.newest)),
        );
    }
    let (document, problems) = match pinned::download(&release, asked.release.as_ref())? {
        Download::File(Some(found)) => parsed(asked, &found.bytes, &format!("{at}: {}", found.path)),
        Download::File(None) => {
            let message = format!(
                "{at} contains no compat.json, so the plugins and channels it supports are not known"
            );
            let finding = Finding::new("compat-missing", Level::Error, message).place(&release.url);
            (None, vec![finding.help("pin a release that has one, or give the file: --compat FILE")])
        }
        Download::Foreign(has) => (None, vec![foreign(asked, index, &has).place(&release.url)]),
        Download::Differs(has) => {
            let wanted = match &release.hash {
                Some(Hash::Sha256(hash) | Hash::Sha512(hash)) => hash.as_str(),
                None => "another",
            };
            let message = format!("{index} lists {at} with the hash {wanted}, but serves a file with {has}");
            let finding = Finding::new("hash-differs", Level::Error, message).place(&release.url);
            (None, vec![finding.help("do not install it; tell the operators of the index")])
        }
    };
    findings.extend(problems);
    Ok((document, findings))
}

/// Another file than the release's is on the index: the index is wrong, or somebody else has the name there.
fn foreign(asked: &Asked, index: &str, has: &str) -> Finding {
    let (at, release) = (asked.package.at(&asked.pin.version), asked.release.as_ref());
    let hashes = release.map(Dispatched::hashes).unwrap_or_default();
    let message = format!(
        "{at} on {index} is not the release that --release names: the file has sha256:{has}, the release has \
         {hashes}"
    );
    let next = match asked.package.ecosystem {
        _ if release.is_some_and(|release| release.index.as_deref() == Some(index)) => {
            "tell the operators of the index"
        }
        Ecosystem::Python => "name the index that the release is on: --pypi URL",
        Ecosystem::Ts => "name the registry that the release is on: --npm URL",
    };
    Finding::new("release-differs", Level::Error, message).help(format!("do not install it; {next}"))
}

/// Compares the support that the release declares with the template's needs. Pure.
fn judge(asked: &Asked, document: &Document) -> Vec<Finding> {
    let (package, template) = (&asked.package, &asked.template);
    let at = package.at(&document.version);
    let mut findings = Vec::new();
    if !package.is(&document.package) {
        let message = format!(
            "the compat.json is of {}, but the template depends on {}",
            document.package, package.name
        );
        findings.push(
            Finding::new("compat-other-package", Level::Error, message).place(asked.template_file.as_str()),
        );
    } else if !package.same_version(&document.version, &asked.pin.version) {
        let message = format!("the compat.json is of {at}, but the template pins {}", asked.pin.version);
        findings
            .push(Finding::new("compat-other-version", Level::Error, message).place(asked.pin_file.as_str()));
    }
    for (i, plugin) in template.plugins.iter().enumerate() {
        let what = format!("the plugin {} is written for apiVersion {}", plugin.name, plugin.api_version);
        let ids = ["plugin-deprecated", "plugin-removed", "plugin-unsupported"];
        let finding =
            unsupported(document.plugin(&plugin.api_version), ids, &what, &at, &document.plugin_versions());
        findings.extend(finding.map(|f| f.place(format!("{}: plugins[{i}]", asked.template_file))));
    }
    for (i, channel) in template.channels.iter().enumerate() {
        let what = format!("the template's channel uses {} {}", channel.protocol, channel.version);
        let ids = ["channel-deprecated", "channel-removed", "channel-unsupported"];
        let finding = unsupported(
            document.channel(&channel.protocol, &channel.version),
            ids,
            &what,
            &at,
            &document.channel_versions(),
        );
        findings.extend(finding.map(|f| f.place(format!("{}: channels[{i}]", asked.template_file))));
    }
    if let Some(spec) = template.spec.as_ref().filter(|spec| **spec != document.contract.spec) {
        let message = format!(
            "the template was built against the spec {spec}, but {at} serves {}",
            document.contract.spec
        );
        let help = format!(
            "check the changes (cargo xtask openapi diff OLD NEW), then write the new hash into {}",
            asked.template_file
        );
        findings.push(
            Finding::new("spec-differs", Level::Error, message)
                .place(format!("{}: spec", asked.template_file))
                .help(help),
        );
    }
    // The texts come from other publishers: remove control characters before they reach the terminal.
    for finding in &mut findings {
        finding.message = plain(&finding.message);
        finding.help = finding.help.as_deref().map(plain);
    }
    findings
}

/// `ids`: deprecated, removed, unsupported.
fn unsupported(
    support: Support,
    ids: [&'static str; 3],
    what: &str,
    at: &str,
    supported: &str,
) -> Option<Finding> {
    let [deprecated, removed, unsupported] = ids;
    let move_on = format!("move it to a supported version ({supported}), or pin another release");
    Some(match support {
        Support::Supported => return None,
        Support::Deprecated(removal) => {
            let message = format!("{what}, which {at} still supports but {removal} removes");
            Finding::new(deprecated, Level::Warning, message)
                .help(format!("move it before you pin {removal}; supported: {supported}"))
        }
        Support::Removed(removal) => Finding::new(
            removed,
            Level::Error,
            format!("{what}, which was removed in {removal}: {at} does not support it"),
        )
        .help(move_on),
        Support::Unknown => {
            Finding::new(unsupported, Level::Error, format!("{what}, which {at} does not support"))
                .help(move_on)
        }
    })
}

/// The template's plugins and channels, for messages: `plugins shout 2; channels http 1`.
fn needs(template: &Template) -> String {
    let listed = |names: Vec<String>| if names.is_empty() { "none".to_string() } else { names.join(", ") };
    let plugins = listed(template.plugins.iter().map(|p| format!("{} {}", p.name, p.api_version)).collect());
    let channels =
        listed(template.channels.iter().map(|c| format!("{} {}", c.protocol, c.version)).collect());
    format!("plugins {plugins}; channels {channels}")
}
