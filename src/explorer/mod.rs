//! The terminal program: what a person sees and does.

mod actions;
mod ascii;
mod blocks;
mod fuzzy;
mod jumps;
mod keys;
mod screen;
mod span;
mod text;
mod theme;
