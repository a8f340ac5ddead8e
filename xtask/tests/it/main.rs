//! The one integration binary: the real `xtask` program on real repositories. One module a topic.

mod api;
mod api_cases;
mod api_ts;
mod audit;
mod baseline;
mod breaks;
mod bump;
mod check;
mod ci;
mod compat;
mod demo;
mod image;
mod locks;
mod model;
mod openapi;
mod output;
mod plan;
mod promote;
mod rehearse;
mod release;
mod skip;
mod supervise;
mod support;
mod template;
mod two_apps;
mod users;
