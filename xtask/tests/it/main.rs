//! The one integration binary: the real `xtask` program on real repositories. One module a topic.

mod plan;
mod support;
