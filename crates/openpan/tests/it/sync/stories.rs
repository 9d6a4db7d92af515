//! What people see of `pan sync`.

crate::tests![];
