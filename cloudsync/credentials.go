package cloudsync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"duogateway/secret"
)

// credentials are what the broker knows the station by, as the files are now.
type credentials struct {
	password secret.Text
	tls      *tls.Config // nil without encryption
}

// readCredentials reads the files that the configuration names.
func (c Config) readCredentials(to address) (credentials, error) {
	var found credentials
	if c.PasswordFile != "" {
		text, err := c.readSecret(c.PasswordFile)
		if err != nil {
			return found, fmt.Errorf("reading the password: %w", err)
		}
		found.password = secret.TextOf(strings.TrimRight(string(text.Reveal()), "\r\n"))
	}
	if !to.encrypted {
		return found, nil
	}
	found.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	orElse(&found.tls.ServerName, to.url.Hostname())
	return found, errors.Join(c.readCA(found.tls), c.readCertificate(found.tls))
}

func (c Config) readCA(into *tls.Config) error {
	if c.CA == "" {
		return nil
	}
	text, err := os.ReadFile(c.place(c.CA))
	if err != nil {
		return fmt.Errorf("reading the CA: %w", err)
	}
	into.RootCAs = x509.NewCertPool()
	if !into.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("reading the CA: %s holds no PEM certificate", c.CA)
	}
	return nil
}

func (c Config) readCertificate(into *tls.Config) error {
	if c.Certificate == "" {
		return nil
	}
	certificate, err := os.ReadFile(c.place(c.Certificate))
	if err != nil {
		return fmt.Errorf("reading the client certificate: %w", err)
	}
	key, err := c.readSecret(c.Key)
	if err != nil {
		return fmt.Errorf("reading the client key: %w", err)
	}
	defer key.Clear()
	pair, err := tls.X509KeyPair(certificate, key.Reveal())
	if err != nil {
		return fmt.Errorf("reading the client certificate: %w", err)
	}
	into.Certificates = []tls.Certificate{pair}
	return nil
}

// readSecret reads a file that nobody else may be able to read.
func (c Config) readSecret(name string) (secret.Bytes, error) {
	info, err := os.Stat(c.place(name))
	if err != nil {
		return secret.Bytes{}, err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return secret.Bytes{}, fmt.Errorf("%s can be read by everybody: chmod o= it", name)
	}
	content, err := os.ReadFile(c.place(name))
	return secret.Of(content), err
}

// place is where a file of the configuration is.
func (c Config) place(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Credentials, name)
}
