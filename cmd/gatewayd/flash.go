package main

import (
	"context"
	"fmt"
	"os"

	"duogateway/daemon/client"
	"duogateway/job"
)

// flashCmd is `gatewayd flash`.
type flashCmd struct {
	jobFlags
	Images  []string `arg:"" optional:"" help:"Firmware modules: system part 1, system part 2, a user part. Each says itself where it goes."`
	Factory string   `placeholder:"FILE" help:"The application that a factory reset restores."`
	WiFi    string   `name:"wifi" placeholder:"FILE" help:"The firmware of the Wi-Fi chip."`
}

// Run sends the images to the station and asks for a flash.
func (c flashCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	var options job.Options
	send := func(file string, place job.Place) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading the image: %w", err)
		}
		stored, err := daemon.SendImage(ctx, content)
		options.Images = append(options.Images, job.Image{SHA256: stored.SHA256, Place: place})
		return err
	}
	for _, file := range c.Images {
		if err := send(file, ""); err != nil {
			return err
		}
	}
	for _, extra := range []struct {
		file  string
		place job.Place
	}{{c.Factory, job.Factory}, {c.WiFi, job.WiFi}} {
		if extra.file == "" {
			continue
		}
		if err := send(extra.file, extra.place); err != nil {
			return err
		}
	}
	return c.do(ctx, env, all, job.Request{Kind: job.Flash, Options: options})
}
