package cloudsync

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"duogateway/virtual/broker"
)

// certificate makes a certificate for this machine, and a file of it.
func certificate(t *testing.T, highest uint16) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	like := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, like, like, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MaxVersion: highest}, file
}

// webBroker is a broker behind a WebSocket. It gives the address.
func webBroker(t *testing.T, with *tls.Config) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	for _, err := range []error{
		server.AddHook(&broker.Open{}, nil),
		server.AddListener(listeners.NewWebsocket(listeners.Config{ID: "web", Address: address, TLSConfig: with})),
		server.Serve(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = server.Close() })
	return address
}

// MQTT over WebSocket, with and without encryption.
func TestWebSocket(t *testing.T) {
	with, ca := certificate(t, 0)
	for _, cfg := range []Config{
		{Broker: "ws://" + webBroker(t, nil) + "/mqtt"},
		{Broker: "wss://" + webBroker(t, with) + "/mqtt", CA: ca},
	} {
		b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick(cfg.Broker)}
		b.config.CA = cfg.CA
		b.store.write("an event")
		b.start()
		eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
		b.stop()
	}
}

// TLS 1.1 is not spoken, and a certificate that nobody vouches for is not
// believed.
func TestEncryptionThatIsTooWeak(t *testing.T) {
	old, ca := certificate(t, tls.VersionTLS11)
	fresh, _ := certificate(t, 0)
	cases := []struct {
		address, ca, want string
	}{
		{webBroker(t, old), ca, "protocol version"},
		{webBroker(t, fresh), "", "setting ca"},
	}
	for _, c := range cases {
		b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick("wss://" + c.address + "/mqtt")}
		b.config.CA = c.ca
		b.start()
		eventually(t, "an error about "+c.want, func() bool { return strings.Contains(b.link.Status().LastError, c.want) })
		b.stop()
	}
}
