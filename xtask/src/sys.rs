//! The machine: files, processes, programs, the network and the terminal. This layer does not know apps or
//! releases.

pub mod child;
pub mod date;
pub mod exit;
pub mod files;
pub mod git;
pub mod guard;
pub mod hash;
pub mod http;
pub mod parallel;
pub mod scratch;
pub mod secrets;
pub mod serve;
pub mod supervise;
pub mod tools;
pub mod ui;
pub mod url;
