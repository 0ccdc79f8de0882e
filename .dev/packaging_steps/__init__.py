"""What ``build.spec`` calls: choosing, making and describing what goes into the package.

Imports PyInstaller, fontTools and Qt as needed; the application imports nothing from here.
"""
