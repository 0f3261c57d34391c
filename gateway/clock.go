package main

import "time"

// wallClock is the time of day, which somebody may set at any moment. It is
// for what people read and for names of files: nothing is decided by it.
var wallClock = time.Now

var processStart = time.Now()

// uptime is the time since the process started, by a clock that nobody sets.
func uptime() time.Duration { return time.Since(processStart) }
