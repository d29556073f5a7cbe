//! Does the Python grammar still have the names that lowering asks for, and the shapes it reads?
