//! Which finding is the same as yesterday's? Identity from meaning: never the line, the wording or the confidence.
