#!/bin/sh
# Removes what install.sh put below ~/.local. Your progress, conversations and models stay in
# ~/.local/share/Glassbox; delete that folder yourself if you want them gone too.
set -eu
data="${XDG_DATA_HOME:-$HOME/.local/share}"
place="$HOME/.local/opt/glassbox"
for exe in /proc/[0-9]*/exe; do  # files taken from under an open window would end it in mid-work
    [ "$(readlink "$exe" 2>/dev/null)" != "$place/glassbox" ] && continue
    echo "Glassbox is open. Close it first, then run this again." >&2
    echo "透明盒还开着。先把它关掉，再运行一次。" >&2
    exit 1
done
rm -rf "$place"
rm -f "$HOME/.local/bin/glassbox" "$data/applications/glassbox.desktop"
rm -f "$data/metainfo/io.github.glassbox.Glassbox.metainfo.xml"
find "$data/icons/hicolor" -name glassbox.png -path '*/apps/*' -delete 2>/dev/null || true
rm -f "$data/icons/hicolor/scalable/apps/glassbox.svg"
echo "Removed. Your data is still in $data/Glassbox"
echo "已卸载。你的数据还在 $data/Glassbox"
