//! Host names, addresses and URL paths in one canonical spelling.
