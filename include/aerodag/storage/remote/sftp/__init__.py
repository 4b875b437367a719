"""Files on an SFTP server, over OpenSSH."""
