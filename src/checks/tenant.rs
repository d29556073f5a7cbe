//! Which queries can see or change another tenant's rows?

use super::{CheckContext, TenantWords};
use crate::findings::Finding;

pub(super) fn check(_cx: &CheckContext<'_>, _tenant: &TenantWords, _findings: &mut Vec<Finding>) {}
