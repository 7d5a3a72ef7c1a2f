//! An always-on, bounded flight recorder for Tokio services.
