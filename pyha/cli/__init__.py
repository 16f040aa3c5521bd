"""The commands, one file each; nothing here is imported by anything but __main__."""
