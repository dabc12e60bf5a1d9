// Command virtualbench is a bench without hardware: tools around the virtual
// boards. It never runs on the appliance and knows nothing of the daemon.
package main

import "github.com/alecthomas/kong"

// cli is the command line.
type cli struct {
	DCT struct {
		Write dctWriteCmd `cmd:"" help:"Write into a DCT image as a virtual board would."`
	} `cmd:"" name:"dct" help:"Work on images of a board's DCT flash."`
}

func main() {
	ctx := kong.Parse(&cli{}, kong.Name("virtualbench"), kong.Description("A bench without hardware."))
	ctx.FatalIfErrorf(ctx.Run())
}
