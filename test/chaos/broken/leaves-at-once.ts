/** Loaded before a node, this is a Lonja that drops what it has begun when it is told to stop. */
process.on("SIGTERM", () => process.exit(0));
