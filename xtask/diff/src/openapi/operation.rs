//! One operation of one document.

use super::document::At;
use serde_json::Value;

pub(super) struct Operation<'v> {
    pub method: &'v str,
    /// As written: `/threads/{thread_id}`.
    pub path: &'v str,
    pub item: &'v Value,
    pub item_at: At<'v>,
    pub value: &'v Value,
    pub at: At<'v>,
}
