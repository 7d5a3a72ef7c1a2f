//! Turns a dump into a seed of the target `frames`: `seed DUMP SEED`.

use std::io;

fn main() -> io::Result<()> {
    let mut paths = std::env::args_os().skip(1);
    let (Some(dump), Some(seed)) = (paths.next(), paths.next()) else {
        return Err(io::Error::other("usage: seed DUMP SEED"));
    };
    std::fs::write(seed, dial9_fuzz::recipe_of_dump(&std::fs::read(dump)?))
}
