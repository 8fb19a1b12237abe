"""The domain: pure functions on numpy arrays, no I/O and no clock. docs/joint_spaces explains the formulas."""
