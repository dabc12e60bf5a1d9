// Package opinions sets the two opinions on a Duo side by side: that of duo,
// by which the station acts, and that of the virtual board. Neither may know
// the other; this package may know both, and decides for none.
package opinions
