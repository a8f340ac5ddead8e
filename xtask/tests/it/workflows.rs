//! The workflows of both forges do the same, except for what one forge lacks, and use actions by commit.

use std::fmt::Write;

const GITHUB: &str = include_str!("../../../.github/workflows/ci.yml");
const GITEA: &str = include_str!("../../../.gitea/workflows/ci.yml");
const CACHE: &str = include_str!("../../../.github/actions/cache/action.yml");

/// A line in the form `release: environment: release`, for each line that is not a comment.
fn lines(workflow: &str) -> Vec<String> {
    let mut job = "";
    let mut lines = Vec::new();
    for line in workflow.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if !line.starts_with(' ') {
            job = "";
        }
        if let Some(name) = line.strip_prefix("  ").filter(|l| !l.starts_with(' ')) {
            job = name.trim_end_matches(':');
        }
        lines.push(format!("{job}: {}", line.trim()));
    }
    lines
}

#[test]
fn the_workflows_of_both_forges_differ_only_where_the_forges_do() {
    let (github, gitea) = (lines(GITHUB), lines(GITEA));
    let mut shown = String::new();
    for (sign, these, others) in [('-', &github, &gitea), ('+', &gitea, &github)] {
        for line in these.iter().filter(|line| !others.contains(line)) {
            writeln!(shown, "{sign} {line}").unwrap();
        }
    }
    expect_test::expect![[r#"
        - merge_group: merge_group:
        - lint: runs-on: ubuntu-24.04
        - comment: runs-on: ubuntu-24.04
        - comment: GITHUB_TOKEN: ${{ github.token }}
        - test: runs-on: ubuntu-24.04
        - validate-openapi: runs-on: ubuntu-24.04
        - msrv: runs-on: ubuntu-24.04
        - artifacts: runs-on: ubuntu-24.04
        - image: permissions:
        - image: contents: read
        - image: packages: write
        - image: runs-on: ubuntu-24.04
        - image: REGISTRY_USER: ${{ github.actor }}
        - image: REGISTRY_TOKEN: ${{ github.token }}
        - promote: runs-on: ubuntu-24.04
        - build: packages: read
        - build: checks: read
        - build: issues: read
        - build: runs-on: ubuntu-24.04
        - build: REGISTRY_USER: ${{ github.actor }}
        - build: REGISTRY_TOKEN: ${{ github.token }}
        - build: GITHUB_TOKEN: ${{ github.token }}
        - build: - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        - build: overwrite: true
        - build: compression-level: 0
        - release: environment: release
        - release: packages: write
        - release: id-token: write
        - release: attestations: write
        - release: checks: read
        - release: statuses: write
        - release: issues: write
        - release: runs-on: ubuntu-24.04
        - release: - uses: actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0
        - release: - id: release
        - release: run: exec cargo xtask ci release
        - release: REGISTRY_USER: ${{ github.actor }}
        - release: REGISTRY_TOKEN: ${{ github.token }}
        - release: GITHUB_TOKEN: ${{ github.token }}
        - release: - uses: actions/attest-build-provenance@a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32 # v4.1.0
        - release: if: steps.release.outputs.subjects != ''
        - release: continue-on-error: true
        - release: with:
        - release: subject-checksums: ${{ steps.release.outputs.subjects }}
        + lint: runs-on: ubuntu-latest
        + comment: runs-on: ubuntu-latest
        + comment: GITEA_TOKEN: ${{ github.token }}
        + test: runs-on: ubuntu-latest
        + validate-openapi: runs-on: ubuntu-latest
        + msrv: runs-on: ubuntu-latest
        + artifacts: runs-on: ubuntu-latest
        + image: runs-on: ubuntu-latest
        + image: REGISTRY_USER: ${{ secrets.REGISTRY_USER }}
        + image: REGISTRY_TOKEN: ${{ secrets.REGISTRY_TOKEN }}
        + promote: runs-on: ubuntu-latest
        + build: runs-on: ubuntu-latest
        + build: GITEA_TOKEN: ${{ github.token }}
        + build: - uses: actions/upload-artifact@c24449f33cd45d4826c6702db7e49f7cdb9b551d # v3.2.1-node20
        + release: runs-on: ubuntu-latest
        + release: - uses: actions/download-artifact@ad191675b41f6a5b46da9a048cb6893812da158b # v3.1.0-node20
        + release: - run: exec cargo xtask ci release
        + release: REGISTRY_USER: ${{ secrets.REGISTRY_USER }}
        + release: REGISTRY_TOKEN: ${{ secrets.REGISTRY_TOKEN }}
        + release: GITEA_TOKEN: ${{ github.token }}
    "#]]
    .assert_eq(&shown);
}

/// Both forges run a job again with the event of its first run, so a corrected title needs a run of its own.
#[test]
fn a_pull_request_is_checked_again_when_its_title_or_a_label_changes() {
    for workflow in [GITHUB, GITEA] {
        let types = "pull_request: types: [opened, synchronize, reopened, edited, labeled, unlabeled]";
        assert!(lines(workflow).contains(&types.to_string()), "{workflow}");
    }
}

#[test]
fn actions_are_pinned_by_commit_and_the_version_is_shown() {
    let mut pinned = 0;
    for line in [GITHUB, GITEA, CACHE].iter().flat_map(|text| text.lines()) {
        let step = line.trim_start().trim_start_matches("- ");
        let Some(action) = step.strip_prefix("uses: ") else { continue };
        if action.starts_with("./") {
            continue;
        }
        let (_, reference) = action.split_once('@').expect("an action has a version");
        let (commit, version) = reference.split_once(" # v").expect("the version is in a comment");
        assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
        assert!(version.split('.').count() == 3, "{line}");
        pinned += 1;
    }
    assert_eq!(pinned, 26);
}

#[test]
fn a_job_that_may_write_runs_no_code_of_a_pull_request() {
    for workflow in [GITHUB, GITEA] {
        let all = lines(workflow);
        let mut jobs: Vec<&str> = all.iter().filter_map(|line| line.split(": ").next()).collect();
        jobs.dedup();
        for job in jobs.into_iter().filter(|job| !job.is_empty()) {
            let has = |text: &str| {
                all.iter().any(|line| line.starts_with(&format!("{job}: ")) && line.contains(text))
            };
            let writes = has(": write") || has("github.token") || has("secrets.");
            let apart = has("github.event_name == 'push'")
                || has("github.event_name != 'pull_request'")
                || has("ref: \"${{ github.event.pull_request.base.sha }}\"") && !has("actions/cache");
            assert!(!writes || apart, "{job}");
        }
    }
}
