//! Facts as text, for dumps and tests.
