package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/google/renameio/v2"

	virtualduo "duogateway/virtual/duo"
)

// dctWriteCmd runs a virtual board's DCT engine on a file.
type dctWriteCmd struct {
	Engine string `enum:"new,old" default:"new" help:"DCT engine: new (system 0.3.2 and 0.3.3) or old."`
	In     string `required:"" placeholder:"IMAGE" help:"DCT flash, both copies, 32768 bytes. All FF is blank flash."`
	Offset int    `required:"" placeholder:"N" help:"Where to write, counted from the application DCT as in DFU."`
	Data   string `required:"" placeholder:"FILE" help:"What to write."`
	Out    string `required:"" placeholder:"IMAGE" help:"Where the new image goes; it may be the old one."`
}

// dctWrite is `virtualbench dct write` with its arguments in args.
func dctWrite(args []string, stdout, stderr io.Writer) error {
	var command dctWriteCmd
	parser, err := kong.New(&command, kong.Name("virtualbench dct write"), kong.Writers(stdout, stderr))
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	return command.Run(parser)
}

// Run does the write and says where it went. Without data it only looks, which
// makes a blank image what a board makes of blank flash.
func (c *dctWriteCmd) Run(parser *kong.Kong) error {
	engine, err := virtualduo.EngineByName(c.Engine)
	if err != nil {
		return err
	}
	image, err := readImage(c.In)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(c.Data)
	if err != nil {
		return fmt.Errorf("read the data: %w", err)
	}
	if err := c.checkRange(len(data), engine.Limit()); err != nil {
		return err
	}
	if len(data) > 0 {
		if err := engine.Write(image, c.Offset, data); err != nil {
			return fmt.Errorf("write the DCT: %w", err)
		}
	}
	current, err := engine.Current(image)
	if err != nil {
		return fmt.Errorf("find the new copy: %w", err)
	}
	// The image holds private keys.
	if err := renameio.WriteFile(c.Out, image, 0o600); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	_, err = fmt.Fprintf(parser.Stdout, "%d bytes written at %d; copy %d is current\n", len(data), c.Offset, current+1)
	return err
}

// checkRange keeps the write away from what would destroy a board.
func (c *dctWriteCmd) checkRange(length, limit int) error {
	switch {
	case c.Offset < 0:
		return fmt.Errorf("offset %d is before the DCT", c.Offset)
	case c.Offset > limit-length:
		return fmt.Errorf("%d bytes at %d do not fit: the DCT ends at %d", length, c.Offset, limit)
	}
	return nil
}

func readImage(path string) (virtualduo.Image, error) {
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	if len(image) != virtualduo.ImageSize {
		return nil, fmt.Errorf("%s has %d bytes; a DCT image has %d", path, len(image), virtualduo.ImageSize)
	}
	return image, nil
}
