//! Which clients are built for every request, and what blocks the event loop?

use super::CheckContext;
use crate::findings::Finding;

pub(super) fn check(_cx: &CheckContext<'_>, _findings: &mut Vec<Finding>) {}
