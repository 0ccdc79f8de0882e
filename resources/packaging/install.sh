#!/bin/sh
# Installs Glassbox for you alone, below ~/.local, from the folder this script lies in. No root needed.
# Running it again with a newer version updates; your data is not touched. Remove: sh uninstall.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data="${XDG_DATA_HOME:-$HOME/.local/share}"
place="$HOME/.local/opt/glassbox"
for exe in /proc/[0-9]*/exe; do  # files taken from under an open window would end it in mid-work
    [ "$(readlink "$exe" 2>/dev/null)" != "$place/glassbox" ] && continue
    echo "Glassbox is open. Close it first, then run this again." >&2
    echo "透明盒还开着。先把它关掉，再运行一次。" >&2
    exit 1
done
mkdir -p "$HOME/.local/opt" "$HOME/.local/bin" "$data/applications" "$data/metainfo"
rm -rf "$place.new"
cp -a "$here/glassbox" "$place.new"
cp "$here/uninstall.sh" "$here/README.txt" "$place.new/"
rm -rf "$place.old"
[ ! -e "$place" ] || mv "$place" "$place.old"
mv "$place.new" "$place"
rm -rf "$place.old"
ln -sfn "$place/glassbox" "$HOME/.local/bin/glassbox"
(cd "$here/share/icons" && find . -type f) | while read -r file; do
    mkdir -p "$data/icons/$(dirname "$file")"
    cp "$here/share/icons/$file" "$data/icons/$file"
done
sed "s|^Exec=glassbox|Exec=\"$place/glassbox\"|" "$here/share/applications/glassbox.desktop" \
    >"$data/applications/glassbox.desktop"
cp "$here/share/metainfo/"*.xml "$data/metainfo/"
echo "Installed in $place. Start it from the menu, or with: $HOME/.local/bin/glassbox"
echo "已安装到 $place。从菜单里启动，或者运行：$HOME/.local/bin/glassbox"
