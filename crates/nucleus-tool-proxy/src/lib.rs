//! The monitor as a server: the MCP front.
