//! The jobs, and which of them have work for which event.

use super::event::Event;
use crate::model::workspace::{Settings, nearest};
use crate::sys::exit::Exit;
use anyhow::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Lint,
    Test,
    Openapi,
    Image,
    Promote,
    Build,
    Release,
}

impl Job {
    pub(super) const ALL: &[Job] =
        &[Job::Lint, Job::Test, Job::Openapi, Job::Image, Job::Promote, Job::Build, Job::Release];

    pub(super) fn name(self) -> &'static str {
        match self {
            Job::Lint => "lint",
            Job::Test => "test",
            Job::Openapi => "openapi",
            Job::Image => "image",
            Job::Promote => "promote",
            Job::Build => "build",
            Job::Release => "release",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Job> {
        // The name of the job in the workflow files.
        let name = if name == "validate-openapi" { "openapi" } else { name };
        let names: Vec<&str> = Job::ALL.iter().map(|j| j.name()).chain([COMMENT]).collect();
        Job::ALL.iter().find(|j| j.name() == name).copied().ok_or_else(|| {
            let near = nearest(name, &names).map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
            Exit::Usage(format!("no job {name:?} (the jobs are: {}){near}", names.join(", "))).into()
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    Work,
    /// With the reason.
    Nothing(String),
}

/// The job that `command` runs itself, because it needs neither an event nor apps.
pub(super) const COMMENT: &str = "comment";

/// The start of the names of hotfix branches.
pub(super) const HOTFIX: &str = "hotfix/";

pub(super) fn duty(job: Job, event: &Event, settings: &Settings) -> Duty {
    let nothing = |why: &str| Duty::Nothing(why.to_string());
    let (main, two_branches) = (&settings.main, settings.main != settings.development);
    match (job, event) {
        (_, Event::Other(why)) => nothing(why),
        (Job::Lint | Job::Test | Job::Openapi, Event::PullRequest { .. }) => Duty::Work,
        (Job::Lint | Job::Test | Job::Openapi, Event::Push { .. }) => {
            nothing("this job runs on pull requests, before they are merged")
        }
        (Job::Image, Event::PullRequest { .. }) => {
            nothing("images are built when a branch is pushed, and by releases")
        }
        (Job::Image, Event::Push { branch, .. }) if branch == main && two_branches => {
            nothing("on this branch the release builds the image")
        }
        (Job::Image, Event::Push { .. }) => Duty::Work,
        (Job::Promote, Event::Push { branch, .. }) if *branch == settings.development && two_branches => {
            Duty::Work
        }
        (Job::Promote, _) => Duty::Nothing(match two_branches {
            true => format!("the next pull request is opened when {} changes", settings.development),
            false => "with one branch there is nothing to promote".to_string(),
        }),
        (Job::Build | Job::Release, Event::Push { branch, .. })
            if branch == main || branch.starts_with(HOTFIX) =>
        {
            Duty::Work
        }
        (Job::Build | Job::Release, _) => {
            Duty::Nothing(format!("releases are made from {main} and {HOTFIX}…"))
        }
    }
}

/// True for a pull request into the release branch, if that is not also the development branch. It must
/// contain the version to release, so `lint` then also runs the plan's gates.
pub(super) fn promotes(event: &Event, settings: &Settings) -> bool {
    settings.main != settings.development
        && matches!(event, Event::PullRequest { base, .. } if *base == settings.main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_runs_its_jobs() {
        let settings = Settings::default();
        let push = |branch: &str| Event::Push { branch: branch.into(), before: None };
        let pull = |base: &str| Event::PullRequest {
            head: "feat/x".into(),
            base: base.into(),
            labels: None,
            squash: None,
        };
        for (event, busy) in [
            (push("feat/x"), "image"),
            (push("development"), "image promote"),
            (push("main"), "build release"),
            (push("mainx"), "image"),
            (push("release/main"), "image"),
            (push("hotfix/python-v0.1.0"), "image build release"),
            (push("hotfixes"), "image"),
            (pull("development"), "lint test openapi"),
            (pull("main"), "lint test openapi"),
            (pull("feat/y"), "lint test openapi"),
            (Event::Other("a tag".into()), ""),
        ] {
            let all = Job::ALL.iter().filter_map(|job| match duty(*job, &event, &settings) {
                Duty::Work => Some(job.name().to_string()),
                Duty::Nothing(why) => {
                    assert!(!why.is_empty());
                    None
                }
            });
            assert_eq!(all.collect::<Vec<_>>().join(" "), busy, "{event}");
        }
    }

    #[test]
    fn with_a_single_branch_a_push_to_it_builds_an_image_and_releases() {
        let settings = Settings { development: "main".into(), ..Settings::default() };
        let push = Event::Push { branch: "main".into(), before: None };
        let pull = Event::PullRequest { head: "x".into(), base: "main".into(), labels: None, squash: None };
        assert_eq!(duty(Job::Image, &push, &settings), Duty::Work);
        assert_eq!(duty(Job::Release, &push, &settings), Duty::Work);
        assert!(!promotes(&pull, &settings));
    }

    #[test]
    fn only_a_pull_request_into_the_release_branch_promotes() {
        let pull = |base: &str| Event::PullRequest {
            head: "main".into(),
            base: base.into(),
            labels: None,
            squash: None,
        };
        for (event, expected) in [
            (pull("main"), true),
            (pull("development"), false),
            (Event::Push { branch: "main".into(), before: None }, false),
        ] {
            assert_eq!(promotes(&event, &Settings::default()), expected, "{event}");
        }
    }

    #[test]
    fn a_job_is_also_known_by_its_workflow_name_and_a_wrong_name_is_an_error() {
        assert_eq!(Job::parse("validate-openapi").unwrap(), Job::Openapi);
        let error = Job::parse("relase").unwrap_err().to_string();
        assert_eq!(
            error,
            "no job \"relase\" (the jobs are: lint, test, openapi, image, promote, build, release, \
             comment); did you mean \"release\"?"
        );
        assert!(Job::parse("--lint").is_err());
    }
}
