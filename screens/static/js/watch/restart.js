// Back to the watch. This page has no origin, so that the window leaves the process that hangs.

"use strict";

location.replace(document.body.dataset.to);
