package cloudsync

// root is the place of a station on a broker whose topics are free.
const root = "duogateway/v1/{station}"

// profiles is how each sort of broker carries what there is to say.
//
// IoT Hub stores no retained message and publishes nothing to other devices;
// what would be retained is a reported property of the device's twin instead,
// and requests come as direct methods or as cloud-to-device messages. Topics:
// learn.microsoft.com articles/iot-hub/iot-hub-mqtt-support. It lets a device
// subscribe to five filters, and closes the connection over any other topic.
var profiles = []profile{
	{
		name:    Generic,
		checkID: "{station}-check",
		echoes:  true,
		outlets: map[subject]outlet{
			aboutState:  {topic: root + "/state", retained: true},
			aboutInfo:   {topic: root + "/info", retained: true},
			aboutBay:    {topic: root + "/bays/{bay}", retained: true},
			aboutJob:    {topic: root + "/jobs/{job}", retained: true},
			aboutEvent:  {topic: root + "/events"},
			aboutAnswer: {topic: root + "/answers"},
		},
		inlets: []inlet{
			{about: aboutRequest, filter: root + "/jobs/request", qos: 1, topic: root + "/jobs/request"},
			{about: aboutCancel, filter: root + "/jobs/+/cancel", qos: 1, topic: root + "/jobs/{job}/cancel"},
			// The broker keeps no message of QoS 0 for later: what comes here
			// is what holds now.
			{about: aboutState, filter: root + "/state", qos: 0, topic: root + "/state"},
		},
	},
	{
		name:    IoTHub,
		user:    "{host}/{station}/?api-version=2021-04-12",
		checkID: "{station}",
		outlets: map[subject]outlet{
			aboutState:  {topic: hubTelemetry + "&type=state"},
			aboutInfo:   {topic: hubPatch, within: []string{"info"}, merged: true},
			aboutBay:    {topic: hubPatch, within: []string{"bays", "{bay}"}, merged: true},
			aboutJob:    {topic: hubTelemetry + "&type=job&job={job}"},
			aboutEvent:  {topic: hubTelemetry + "&type=event"},
			aboutAnswer: {topic: hubTelemetry + "&type=answer"},
		},
		inlets: []inlet{
			{about: aboutRequest, filter: "$iothub/methods/POST/#", topic: hubMethod("request"), reply: hubReply},
			{about: aboutCancel, filter: "$iothub/methods/POST/#", topic: hubMethod("cancel"), reply: hubReply},
			{about: aboutOther, filter: "$iothub/methods/POST/#", topic: hubMethod("{method}"), reply: hubReply},
			{about: aboutCancel, filter: hubMessages + "#", qos: 1, topic: hubMessages + "{bag}", where: values{"type": "cancel"}},
			{about: aboutRequest, filter: hubMessages + "#", qos: 1, topic: hubMessages + "{bag}"},
			{about: aboutPatch, filter: "$iothub/twin/res/#", topic: "$iothub/twin/res/{status}/{bag}"},
		},
	},
}

// The topics of an IoT Hub.
const (
	hubTelemetry = "devices/{station}/messages/events/$.ct=application%2Fjson&$.ce=utf-8"
	hubMessages  = "devices/{station}/messages/devicebound/"
	hubPatch     = "$iothub/twin/PATCH/properties/reported/?$rid={rid}"
	hubReply     = "$iothub/methods/res/{status}/?$rid={rid}"
)

func hubMethod(name string) string { return "$iothub/methods/POST/" + name + "/?$rid={rid}" }
