// Command officialclient drives the stand-in of Tailscale's API with the official client,
// so that the stand-in cannot drift from what that client sends and understands.
// Arguments: base URL, tailnet. Environment: API_KEY, or CLIENT_ID and CLIENT_SECRET.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	"tailscale.com/client/tailscale/v2"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: officialclient URL TAILNET")
	}
	base, err := url.Parse(os.Args[1])
	check("parse URL", err)
	client := &tailscale.Client{BaseURL: base, Tailnet: os.Args[2], APIKey: os.Getenv("API_KEY")}
	if client.APIKey == "" {
		client.Auth = &tailscale.OAuth{ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET")}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	keys(ctx, client)
	devices(ctx, client)
	policy(ctx, client)
	fmt.Println("ok")
}

func keys(ctx context.Context, client *tailscale.Client) {
	request := tailscale.CreateKeyRequest{ExpirySeconds: 3600, Description: "tmgen official client"}
	request.Capabilities.Devices.Create.Preauthorized = true
	request.Capabilities.Devices.Create.Tags = []string{"tag:tm-alice"}
	made, err := client.Keys().CreateAuthKey(ctx, request)
	check("create key", err)
	want(made.Key != "" && made.ID != "", "a new key has an id and a value")
	left := time.Until(made.Expires)
	want(left > 59*time.Minute && left <= time.Hour, "a new key expires as asked")

	got, err := client.Keys().Get(ctx, made.ID)
	check("get key", err)
	want(got.Key == "", "a key is shown once")
	create := got.Capabilities.Devices.Create
	want(got.Description == "tmgen official client" && create.Preauthorized && !create.Reusable, "the key is as asked")
	want(len(create.Tags) == 1 && create.Tags[0] == "tag:tm-alice", "the key has its tag")

	listed, err := client.Keys().List(ctx, true)
	check("list keys", err)
	want(len(listed) == 1 && listed[0].ID == made.ID, "the key is listed")
	check("delete key", client.Keys().Delete(ctx, made.ID))
	_, err = client.Keys().Get(ctx, made.ID)
	want(tailscale.IsNotFound(err), "a deleted key is not found")

	request.Capabilities.Devices.Create.Tags = []string{"tag:other"}
	_, err = client.Keys().CreateAuthKey(ctx, request)
	var refused tailscale.APIError
	want(errors.As(err, &refused) && refused.Status == 400, "a tag that is not permitted is refused with 400")
}

func devices(ctx context.Context, client *tailscale.Client) {
	all, err := client.Devices().ListWithAllFields(ctx)
	check("list devices", err)
	want(len(all) == 1, "the device is listed")
	device := all[0]
	want(device.Hostname == "tm-alice" && device.NodeID != "" && len(device.Addresses) == 2, "the device is described")
	want(device.Tags[0] == "tag:tm-alice" && device.ConnectedToControl, "the device has its tag")
	check("name device", client.Devices().SetName(ctx, device.NodeID, "tm-alicia"))
	check("tag device", client.Devices().SetTags(ctx, device.NodeID, []string{"tag:tmgen", "tag:tm-alice"}))
	changed, err := client.Devices().Get(ctx, device.NodeID)
	check("get device", err)
	want(changed.Name == "tm-alicia.tail1234.ts.net" && len(changed.Tags) == 2, "the device has its new name and tags")
	var refused tailscale.APIError
	err = client.Devices().SetTags(ctx, device.NodeID, []string{"tag:other"})
	want(errors.As(err, &refused) && refused.Status == 400, "a tag that is not permitted is refused with 400")
	check("delete device", client.Devices().Delete(ctx, device.NodeID))
	all, err = client.Devices().List(ctx)
	check("list devices again", err)
	want(len(all) == 0, "the device is gone")
}

func policy(ctx context.Context, client *tailscale.Client) {
	file := client.PolicyFile()
	raw, err := file.Raw(ctx)
	check("read policy", err)
	want(raw.ETag != "", "the policy has an ETag")
	next := `{"tagOwners": {"tag:tmgen": ["autogroup:admin"]}, "grants": [], /* by tmgen */ }`
	check("validate policy", file.Validate(ctx, next))
	want(file.Validate(ctx, `{"nonsense": 1}`) != nil, "a bad policy does not validate")
	check("write policy", file.Set(ctx, next, raw.ETag))
	err = file.Set(ctx, next, raw.ETag)
	var refused tailscale.APIError
	want(errors.As(err, &refused) && refused.Status == 412, "an old ETag is refused with 412")
	again, err := file.Raw(ctx)
	check("read policy again", err)
	want(again.HuJSON == next, "the policy is kept byte for byte")
	check("put it back", file.Set(ctx, raw.HuJSON, again.ETag))
}

func check(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func want(ok bool, what string) {
	if !ok {
		log.Fatalf("not so: %s", what)
	}
}
