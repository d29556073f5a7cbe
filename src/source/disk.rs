//! Which files are on the disk? The only place that walks folders.
