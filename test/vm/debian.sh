# To be sourced: Debian packages by name, for the architecture $arch and for
# this machine, with lists of our own. It needs no privileges and changes
# nothing outside of the cache.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/duogateway/vm
apt=$cache/apt-$arch
APT_CONFIG=$apt/apt.conf
export APT_CONFIG

say() {
	echo "vm: $*" >&2
}

# refresh_lists fetches the lists of packages, if they are older than a day, and
# notes which is the current kernel. A machine that is cut off goes on with the
# lists it has.
refresh_lists() {
	[ -z "$(find "$apt/fresh" -mtime -1 2>/dev/null)" ] || return 0
	command -v apt-get >/dev/null || { say "the guests are made of Debian packages: this needs apt-get"; exit 1; }
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	cat >"$APT_CONFIG" <<-END
		APT::Architectures { "$(dpkg --print-architecture)"; "$arch"; };
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		Acquire::Retries "3";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Dir::State "$apt/state";
		Dir::State::status "/dev/null";
		Dir::Cache "$apt/cache";
	END
	say "fetching the lists of packages for $arch"
	if apt-get -qq update >&2; then
		kernel_image >"$apt/kernel"
		version "$(cat "$apt/kernel"):$arch" >"$apt/version"
		touch "$apt/fresh"
	elif [ -e "$apt/fresh" ]; then
		say "no new lists to be had: going on with those of $(date -r "$apt/fresh" +%F)"
	else
		exit 1
	fi
}

# dependencies prints the names of what a package depends on.
dependencies() {
	apt-cache depends --no-recommends --no-suggests "$1" | sed -n 's|^ *Depends: <\{0,1\}\([^ :<>]*\).*|\1|p'
}

# closure prints the names of packages and of all they depend on.
closure() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "$@" | grep '^[a-z]' | sort -u
}

# kernel_image prints the name of the package that holds the current kernel.
kernel_image() {
	dependencies "linux-image-$arch:$arch" | grep -m 1 '^linux-image-[0-9]'
}

# version prints the version of a package.
version() {
	apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'
}

# unpack downloads packages and unpacks them below a folder.
unpack() (
	mkdir -p "$1/.packages"
	cd "$1/.packages"
	shift
	apt-get -qq download "$@" >&2
	for package in *.deb; do
		dpkg -x "$package" ..
	done
	cd ..
	rm -r .packages
)

# merge_usr moves what packages have in /bin, /sbin and /lib into /usr, as an
# installed Debian has it.
merge_usr() {
	for name in bin sbin lib lib64; do
		if [ -d "$1/$name" ] && [ ! -L "$1/$name" ]; then
			mkdir -p "$1/usr/$name"
			cp -al "$1/$name/." "$1/usr/$name/"
			rm -r "${1:?}/$name"
		fi
		[ ! -d "$1/usr/$name" ] || ln -sf "usr/$name" "$1/$name"
	done
}
