#!/bin/sh
# Removes what install.sh put below ~/.local. Your progress, conversations and models stay in
# ~/.local/share/Glassbox; delete that folder yourself if you want them gone too.
set -eu
data="${XDG_DATA_HOME:-$HOME/.local/share}"
rm -rf "$HOME/.local/opt/glassbox"
rm -f "$HOME/.local/bin/glassbox" "$data/applications/glassbox.desktop"
rm -f "$data/metainfo/io.github.glassbox.Glassbox.metainfo.xml"
find "$data/icons/hicolor" -name glassbox.png -path '*/apps/*' -delete 2>/dev/null || true
rm -f "$data/icons/hicolor/scalable/apps/glassbox.svg"
echo "Removed. Your data is still in $data/Glassbox"
echo "已卸载。你的数据还在 $data/Glassbox"
