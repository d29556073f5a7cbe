//! PHP in, printed facts out.
