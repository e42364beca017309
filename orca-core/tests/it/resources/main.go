// Writes the table that ORCA's count of a pod's requests and limits is compared with: pods, and what the function that the
// scheduler and the kubelet share makes of them.
//
//	cd orca-core/tests/it/resources && go run . > ../resources.tsv
//
// One line a pod: the pod, its requests and its limits as JSON, with tabs between. Amounts are in whole units, in
// thousandths (m) or in billionths (n), whichever is the coarsest that is exact.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
)

// The feature gates of 1.37 as they are by default.
var options = helper.PodResourcesOptions{
	UseStatusResources: true,
	InPlacePodLevelResourcesVerticalScalingEnabled: true,
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	write := func(pod *v1.Pod) {
		line := map[string]any{}
		encoded, err := json.Marshal(pod)
		check(err)
		check(json.Unmarshal(encoded, &line))
		// What is always written, and says nothing here.
		delete(line, "metadata")
		prune(line)
		text, err := json.Marshal(line)
		check(err)
		fmt.Fprintf(out, "%s\t%s\t%s\n", text, amounts(helper.PodRequests(pod, options)), amounts(helper.PodLimits(pod, options)))
	}
	for _, text := range named {
		pod := &v1.Pod{}
		check(json.Unmarshal([]byte(text), pod))
		write(pod)
	}
	random := rand.New(rand.NewSource(1))
	for range 300 {
		write(randomPod(random))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Takes away empty objects, which Go writes where nothing was set.
func prune(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			prune(inner)
			if object, ok := inner.(map[string]any); ok && len(object) == 0 && (key == "resources" || key == "status" || key == "state" || key == "lastState") {
				delete(value, key)
			}
		}
	case []any:
		for _, inner := range value {
			prune(inner)
		}
	}
}

func amounts(list v1.ResourceList) string {
	exact := map[string]string{}
	for name, quantity := range list {
		exact[string(name)] = value(quantity)
	}
	text, err := json.Marshal(exact)
	check(err)
	return string(text)
}

func value(quantity resource.Quantity) string {
	nanos, ok := new(big.Rat).SetString(quantity.AsDec().String())
	if !ok {
		panic(quantity)
	}
	nanos.Mul(nanos, big.NewRat(1_000_000_000, 1))
	whole := nanos.Num()
	for _, unit := range []struct {
		size int64
		name string
	}{{1_000_000_000, ""}, {1_000_000, "m"}} {
		size := big.NewInt(unit.size)
		if new(big.Int).Rem(whole, size).Sign() == 0 {
			return new(big.Int).Quo(whole, size).String() + unit.name
		}
	}
	return whole.String() + "n"
}

// Pods that each show one rule.
var named = []string{
	`{"spec":{"containers":[{"name":"a"}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"2"}}}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"500m"}}},{"name":"b","resources":{"requests":{"cpu":"1"},"limits":{"cpu":"4"}}}]}}`,
	`{"spec":{"initContainers":[{"name":"i","resources":{"requests":{"cpu":"8"}}}],"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}}`,
	`{"spec":{"initContainers":[{"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},{"name":"i","resources":{"requests":{"cpu":"8"}}}],"containers":[{"name":"a","resources":{"requests":{"cpu":"2"}}}]}}`,
	`{"spec":{"initContainers":[{"name":"i","resources":{"requests":{"cpu":"8"}}},{"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}],"containers":[{"name":"a","resources":{"requests":{"cpu":"2"}}}]}}`,
	`{"spec":{"initContainers":[{"name":"i","restartPolicy":"OnFailure","resources":{"requests":{"cpu":"8"}}}],"containers":[{"name":"a","resources":{"requests":{"cpu":"2"}}}]}}`,
	`{"spec":{"overhead":{"cpu":"250m","memory":"64Mi"},"containers":[{"name":"a","resources":{"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}}}]}}`,
	`{"spec":{"resources":{"requests":{"cpu":"64"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}}`,
	`{"spec":{"resources":{"limits":{"cpu":"64"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}}]}}`,
	`{"spec":{"resources":{"requests":{"cpu":"2","memory":"4Gi"},"limits":{"cpu":"4"}},"overhead":{"cpu":"1"},"containers":[{"name":"a"}]}}`,
	`{"spec":{"resources":{"requests":{"hugepages-2Mi":"64Mi","cpu":"0"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"7","hugepages-2Mi":"2Mi"}}}]}}`,
	`{"spec":{"resources":{"requests":{"nvidia.com/gpu":"8","ephemeral-storage":"1Gi"}},"containers":[{"name":"a","resources":{"requests":{"nvidia.com/gpu":"1"}}}]}}`,
	`{"spec":{"resources":{"requests":{"cpu":"8","nvidia.com/gpu":"8"}},"containers":[{"name":"a","resources":{"requests":{"nvidia.com/gpu":"1"}}}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"4"}}}]},"status":{"containerStatuses":[{"name":"a","image":"","imageID":"","ready":true,"restartCount":0,"allocatedResources":{"cpu":"2"},"resources":{"requests":{"cpu":"3"}}}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}}]},"status":{"containerStatuses":[{"name":"a","image":"","imageID":"","ready":true,"restartCount":0,"resources":{"requests":{"cpu":"3"}}}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"64"}}}]},"status":{"conditions":[{"type":"PodResizePending","status":"True","reason":"Infeasible"}],"containerStatuses":[{"name":"a","image":"","imageID":"","ready":true,"restartCount":0,"resources":{"requests":{"cpu":"3"}}}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"64"}}}]},"status":{"conditions":[{"type":"PodResizePending","status":"True","reason":"Infeasible"}]}}`,
	`{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"64"}}}]},"status":{"conditions":[{"type":"PodResizePending","status":"True","reason":"Deferred"}],"containerStatuses":[{"name":"a","image":"","imageID":"","ready":true,"restartCount":0,"resources":{"requests":{"cpu":"3"}}}]}}`,
	`{"spec":{"resources":{"requests":{"cpu":"64"}},"containers":[{"name":"a"}]},"status":{"resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"4"},"conditions":[{"type":"PodResizePending","status":"True","reason":"Infeasible"}]}}`,
	`{"spec":{"resources":{"requests":{"cpu":"2"}},"containers":[{"name":"a"}]},"status":{"resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"3"}}}`,
	`{"spec":{"resources":{"requests":{"cpu":"2"}},"containers":[{"name":"a"}]},"status":{"allocatedResources":{"cpu":"3"}}}`,
}

func randomPod(random *rand.Rand) *v1.Pod {
	pod := &v1.Pod{}
	chance := func(percent int) bool { return random.Intn(100) < percent }
	texts := []string{"0", "1", "2", "3", "250m", "1500m", "8", "64", "1Mi", "1Gi", "3Gi", "1e3", "0.5"}
	names := []v1.ResourceName{"cpu", "memory", "hugepages-2Mi", "ephemeral-storage", "nvidia.com/gpu"}
	list := func() v1.ResourceList {
		if chance(30) {
			return nil
		}
		list := v1.ResourceList{}
		for _, name := range names {
			if chance(40) {
				list[name] = resource.MustParse(texts[random.Intn(len(texts))])
			}
		}
		if len(list) == 0 {
			return nil
		}
		return list
	}
	containers := func(prefix string, most int, isInit bool) []v1.Container {
		var containers []v1.Container
		for number := range random.Intn(most + 1) {
			container := v1.Container{Name: fmt.Sprintf("%s%d", prefix, number)}
			container.Resources = v1.ResourceRequirements{Requests: list(), Limits: list()}
			if isInit && chance(50) {
				always := v1.ContainerRestartPolicyAlways
				container.RestartPolicy = &always
			}
			containers = append(containers, container)
		}
		return containers
	}
	pod.Spec.InitContainers = containers("i", 3, true)
	pod.Spec.Containers = containers("c", 3, false)
	if chance(40) {
		pod.Spec.Resources = &v1.ResourceRequirements{Requests: list(), Limits: list()}
	}
	if chance(30) {
		pod.Spec.Overhead = list()
	}
	if chance(50) {
		return pod
	}
	statuses := func(containers []v1.Container) []v1.ContainerStatus {
		var statuses []v1.ContainerStatus
		for _, container := range containers {
			if chance(20) {
				continue
			}
			status := v1.ContainerStatus{Name: container.Name, AllocatedResources: list()}
			if chance(60) {
				status.Resources = &v1.ResourceRequirements{Requests: list(), Limits: list()}
			}
			statuses = append(statuses, status)
		}
		return statuses
	}
	pod.Status.ContainerStatuses = statuses(pod.Spec.Containers)
	pod.Status.InitContainerStatuses = statuses(pod.Spec.InitContainers)
	if chance(40) {
		pod.Status.Resources = &v1.ResourceRequirements{Requests: list(), Limits: list()}
		if pod.Status.Resources.Requests == nil && pod.Status.Resources.Limits == nil {
			pod.Status.Resources.Requests = v1.ResourceList{"cpu": resource.MustParse("1")}
		}
	}
	if chance(40) {
		pod.Status.AllocatedResources = list()
	}
	for _, reason := range []string{v1.PodReasonInfeasible, v1.PodReasonDeferred} {
		if chance(30) && len(pod.Status.Conditions) == 0 {
			pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: reason}}
		}
	}
	return pod
}
