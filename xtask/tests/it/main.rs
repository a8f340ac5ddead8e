//! The integration tests: the real `xtask` program on real repositories, one module per topic, in one binary.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a failing test may panic"
)]

mod api;
mod api_cases;
mod api_record;
mod api_ts;
mod audit;
mod baseline;
mod breaks;
mod bump;
mod check;
mod ci;
mod compat;
mod contents;
mod contract;
mod copied;
mod demo;
mod docs;
mod findings;
mod forge;
mod gitea;
mod handover;
mod help;
mod hooks;
mod hotfix;
mod image;
mod installed;
mod kills;
mod lab;
mod layers;
mod locks;
mod model;
mod network;
mod openapi;
mod orphans;
mod output;
mod pages;
mod plan;
mod plan_text;
mod promote;
mod races;
mod rehearse;
mod release;
mod rollback;
mod runners;
mod secrets;
mod security;
mod seen;
mod setup_forge;
#[path = "../../src/skip.rs"]
mod skip;
mod storage;
mod supervise;
mod support;
mod tag_form;
mod template;
mod trouble;
mod trunk;
mod two_apps;
mod users;
mod watched;
mod workflows;
