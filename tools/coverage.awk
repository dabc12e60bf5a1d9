# Adds the statements of a coverage profile up by package. Several test programs
# may have run the same block: it counts once, as covered if any has run it.
NR > 1 {
	split($1, place, ":")
	folder = place[1]
	sub("/[^/]*$", "", folder)
	sub("^duogateway/", "", folder)
	size[$1] = $2
	of[$1] = folder
	if ($3 > 0) ran[$1] = 1
}
END {
	for (block in size) {
		all[of[block]] += size[block]
		if (block in ran) done[of[block]] += size[block]
	}
	for (folder in all) printf "%5.1f %%  %s\n", 100 * done[folder] / all[folder], folder | "sort -k 3"
}
