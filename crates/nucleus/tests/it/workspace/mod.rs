//! Workspaces: what commands see, what lands, what stays staged, what carries labels.

mod as_user;
mod attacks;
mod commands;
mod conflicts;
mod disk;
mod doors;
mod fixture;
mod labels;
mod landing;
mod program;
mod property;
mod sessions;
mod staging;
