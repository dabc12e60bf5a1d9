package cloudsync

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigIsChecked(t *testing.T) {
	sound := Config{Station: station, Broker: "mqtts://broker.example"}
	if err := sound.Check(); err != nil {
		t.Errorf("a sound configuration: %v", err)
	}
	cases := []struct {
		change func(*Config)
		want   string // of the error; empty for none
	}{
		{func(c *Config) { c.Broker = "wss://broker.example/mqtt" }, ""},
		{func(c *Config) { c.Broker = "mqtt://127.0.0.1" }, ""},
		{func(c *Config) { c.Broker = "mqtt://[::1]:2000" }, ""},
		{func(c *Config) { c.Broker = "mqtt://localhost" }, ""},
		{func(c *Config) { c.Broker, c.Insecure = "mqtt://10.0.0.1", true }, ""},
		{func(c *Config) { c.Broker = "mqtt://10.0.0.1" }, "insecure = true"},
		{func(c *Config) { c.Broker = "ws://broker.example" }, "insecure = true"},
		{func(c *Config) { c.Broker = "mqtt://localhost.evil.example" }, "insecure = true"},
		{func(c *Config) { c.Broker = "https://broker.example" }, "want mqtts://"},
		{func(c *Config) { c.Broker = "broker.example:8883" }, "want"},
		{func(c *Config) { c.Broker = "" }, "want mqtts://"},
		{func(c *Config) { c.Broker = "mqtts://user:hunter2@broker.example" }, "do not belong into the URL"},
		{func(c *Config) { c.Broker = "mqtts://user:hunter2@broker.example:port" }, "not a URL"},
		{func(c *Config) { c.Station = "a/b" }, "station"},
		{func(c *Config) { c.Station = "+" }, "station"},
		{func(c *Config) { c.Profile = "aws" }, "profile"},
		{func(c *Config) { c.Key = "/k" }, "certificate"},
		{func(c *Config) { c.Certificate = "/c" }, "certificate"},
		{func(c *Config) { c.PasswordFile = "/p" }, "user"},
		{func(c *Config) { c.KeepAlive = time.Millisecond }, "keep-alive"},
		{func(c *Config) { c.KeepAlive = time.Hour }, "keep-alive"},
		{func(c *Config) { c.MinRetry, c.MaxRetry = time.Minute, time.Second }, "retry"},
	}
	for _, c := range cases {
		cfg := sound
		c.change(&cfg)
		err := cfg.Check()
		if c.want == "" && err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want an error about %q", cfg, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the password: %v", err) // P4
		}
	}
}

func TestAddresses(t *testing.T) {
	for url, want := range map[string]string{
		"mqtts://broker.example":        "broker.example:8883",
		"ssl://broker.example":          "broker.example:8883",
		"mqtts://broker.example:1":      "broker.example:1",
		"wss://broker.example/mqtt":     "broker.example:443",
		"mqtt://127.0.0.1":              "127.0.0.1:1883",
		"mqtts://[2001:db8::1]":         "[2001:db8::1]:8883",
		"wss://broker.example:8443/a/b": "broker.example:8443",
	} {
		to, err := Config{Broker: url}.address()
		if err != nil || to.host != want {
			t.Errorf("%s leads to %q, %v; want %q", url, to.host, err, want)
		}
	}
}

func TestPasswordIsReadAnew(t *testing.T) {
	folder := t.TempDir()
	write := func(text string, mode os.FileMode) {
		t.Helper()
		name := filepath.Join(folder, "password")
		_ = os.Remove(name)
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, cfg := range []Config{
		{PasswordFile: filepath.Join(folder, "password")},
		{PasswordFile: "password", Credentials: folder},
	} {
		write("first\n", 0o600)
		with, err := cfg.readCredentials(address{})
		if err != nil || with.password.Reveal() != "first" {
			t.Fatalf("the password is not read: %v", err)
		}
		write("second", 0o640)
		if with, err = cfg.readCredentials(address{}); err != nil || with.password.Reveal() != "second" {
			t.Errorf("the new password is not read: %v", err)
		}
		write("third", 0o644)
		if _, err = cfg.readCredentials(address{}); err == nil || !strings.Contains(err.Error(), "by everybody") {
			t.Errorf("a password that everybody can read: %v", err)
		}
	}
	if _, err := (Config{PasswordFile: "nowhere", Credentials: folder}).readCredentials(address{}); err == nil {
		t.Error("a password that is not there is read")
	}
}
