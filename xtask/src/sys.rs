//! The machine: files, processes, programs, the network and the terminal. This layer does not know apps or
//! releases.

pub(crate) mod ask;
pub(crate) mod checkout_lock;
pub(crate) mod child;
pub(crate) mod date;
pub(crate) mod exit;
pub(crate) mod export;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod hash;
pub(crate) mod http;
pub(crate) mod kill_on_exit;
pub(crate) mod network_fault;
pub(crate) mod parallel;
pub(crate) mod retry;
pub(crate) mod scratch;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod supervise;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tools;
mod traffic;
pub(crate) mod ui;
pub(crate) mod url;
