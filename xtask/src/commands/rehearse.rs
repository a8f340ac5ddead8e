//! `rehearse`: runs a whole release on this machine only, with the same code as a real release. world.rs
//! starts the servers, walk.rs has the script, and report.rs checks the result.

use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{supervise, ui};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use flags::Part;
use machine::Machine;
use std::time::Instant;
use steps::Steps;
use world::World;

mod developer;
mod folder;
pub(crate) mod forge;
mod gitea;
mod gitea_runner;
mod index;
mod machine;
mod npm;
mod registry;
mod remote;
mod report;
mod runner;
mod servers;
mod shown;
mod start;
mod steps;
mod undo;
mod walk;
pub(crate) mod world;

/// The data that all parts of a rehearsal share.
pub(crate) struct Rehearsal<'a> {
    pub ctx: &'a Ctx,
    pub apps: Vec<&'a App>,
    pub flags: &'a flags::Rehearse,
    pub dir: &'a Utf8Path,
    pub world: World,
    pub machine: Machine,
    pub steps: Steps,
}

impl Rehearsal<'_> {
    pub(crate) fn without(&self, part: Part) -> bool {
        self.flags.without.contains(&part)
    }
}

pub(crate) fn command(ctx: &Ctx, flags: &flags::Rehearse) -> Result<()> {
    if flags.clean {
        return folder::clean(&ctx.ws.root);
    }
    let apps = ctx.ws.select(&flags.apps)?;
    let gitea = flags.forge.as_deref().map(gitea::place).transpose()?;
    let start = start::find(ctx, &apps)?;
    supervise::catch_interrupts()?;
    let folder = folder::create(&ctx.ws.root)?;
    match rehearse(ctx, flags, apps, &start, &folder.path, gitea) {
        Ok(()) if flags.keep => {
            ui::say(&format!("kept: {}", folder.path));
            Ok(())
        }
        Ok(()) => folder.remove(),
        Err(_) if supervise::interrupted() => {
            let path = folder.path.clone();
            folder.keep()?;
            let until = "until the next rehearsal fails or cargo xtask rehearse --clean";
            bail!("interrupted; all started programs are stopped\nlogs: {}/logs, kept {until}", path)
        }
        Err(error) => {
            ui::say(&format!(
                "\nkept for inspection: {}, until the next rehearsal fails or cargo xtask rehearse --clean",
                folder.path
            ));
            folder.keep()?;
            Err(error)
        }
    }
}

fn rehearse(
    ctx: &Ctx,
    flags: &flags::Rehearse,
    apps: Vec<&App>,
    start: &start::Start,
    dir: &Utf8Path,
    gitea: Option<gitea::Place>,
) -> Result<()> {
    let began = Instant::now();
    let names: Vec<&str> = apps.iter().map(|a| a.name()).collect();
    ui::section(&format!(
        "Rehearsal of {} at {}, in {dir}",
        names.join(", "),
        crate::sys::git::short(&start.head)
    ));
    let dirty = ctx.git.dirty()?;
    if !dirty.is_empty() {
        let note = "the rehearsal uses HEAD; it does not contain these uncommitted changes";
        ui::say(&format!("{} {note}:\n  {}", ui::yellow("note:"), dirty.join("\n  ")));
    }
    let steps = Steps::new(&dir.join("logs"))?;
    let xtask = machine::install(dir)?;
    let mut world = None;
    steps.run("world", |_| {
        let images = !flags.without.contains(&Part::Image);
        let mut started = World::start(&xtask, dir, &ctx.ws.settings, &apps, images, false)?;
        start::populate(ctx, start, &started.remote.git)?;
        if let Some(place) = &gitea {
            started.use_gitea(place, &xtask, dir)?;
        }
        let evidence = started.to_string();
        world = Some(started);
        Ok(evidence)
    })?;
    let world = world.context("the servers of the rehearsal have not started")?;
    let machine = Machine::new(dir, xtask, &world, &apps, &ctx.endpoints)?;
    let rehearsal = Rehearsal { ctx, apps, flags, dir, world, machine, steps };
    let walked = walk::walk(&rehearsal, start)?;
    let report = report::make(&rehearsal, &walked, began)?;
    let json = report.to_json().to_string();
    crate::sys::files::write_atomic(&ctx.ws.root.join(report::REPORT), json.as_bytes())?;
    match ctx.json {
        true => ui::print(json),
        false => ui::print(report.text()),
    }
    Ok(())
}
